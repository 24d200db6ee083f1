/** Debian's Chromium under playwright-core, and what tests of the console do with it again and again. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { atEnd, temporaryDirectory } from '../../harness/cleanup.ts';

const executablePath = '/usr/bin/chromium';
/** Screenshots of the last run, for people to look at. */
const gallery = join(import.meta.dirname, '../../../build/screenshots');
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Why there is no browser, or false. */
export const browserMissing = existsSync(executablePath) ? false : 'Chromium is not installed';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface Visit {
  page: Page;
  /** What the page complained about: exceptions, errors of the console, refusals of its security policy. */
  complaints: string[];
}

/** Starts a browser with a profile of its own; it ends with the test. */
export async function openBrowser(t: TestContext): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath,
    args: flags,
    env: { ...process.env, HOME: temporaryDirectory(t) } as Record<string, string>,
    timeout: 60_000,
  });
  atEnd(t, () => browser.close());
  return browser;
}

export const sizes = {
  desktop: { width: 1280, height: 860 },
  tablet: { width: 820, height: 1100 },
  phone: { width: 320, height: 700 },
};
export type SizeName = keyof typeof sizes;

/** Opens a page of its own session. Refusals that a test provokes are left out with `expected`. */
export async function visit(
  browser: Browser,
  url: string,
  {
    size = 'desktop',
    scheme = 'light',
    expected = /^$/,
  }: { size?: SizeName; scheme?: 'light' | 'dark'; expected?: RegExp } = {},
): Promise<Visit> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: sizes[size],
    colorScheme: scheme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
    acceptDownloads: true,
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const complain = (text: string) => {
    if (!expected.test(text)) complaints.push(text);
  };
  page.on('pageerror', (error) => complain(error.stack ?? error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(message.text());
  });
  return { page, complaints };
}

/** Logs in as a person does. */
export async function logIn(page: Page, nick: string, password: string): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('Nick or e-mail address').fill(nick);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('#rail').waitFor({ state: 'attached' });
}

/** Keeps a picture of the page below build/. */
export async function picture(page: Page, name: string, { fullPage = false } = {}): Promise<void> {
  mkdirSync(gallery, { recursive: true });
  await page.screenshot({ path: join(gallery, `${name}.png`), fullPage, animations: 'disabled' });
}

interface Finding {
  id: string;
  impact: string | null;
  help: string;
  nodes: { target: string[]; failureSummary?: string }[];
}

/** Checks the page with axe-core; findings of impact serious or critical fail the test. */
export async function demandAccessible(page: Page, what: string): Promise<void> {
  // Run in the page's debugger, which its security policy does not concern.
  const session = await page.context().newCDPSession(page);
  const evaluate = async (expression: string) => {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
    return result.value as unknown;
  };
  await evaluate(`${axeSource}; undefined`);
  const findings = (await evaluate(
    'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)',
  )) as Finding[];
  await session.detach();
  const serious = findings.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const lines = serious.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes
        .slice(0, 5)
        .map(({ target, failureSummary }) => `    ${target.join(' ')}: ${failureSummary?.replaceAll('\n', ' ')}`)
        .join('\n')}`,
  );
  assert.equal(lines.join('\n'), '', `accessibility of ${what}`);
}
