/** Debian's Chromium under playwright-core, and what tests of the console do with it again and again. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Browser, chromium, type Locator, type Page, type Request } from 'playwright-core';
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
    if (!expected.test(text) && !text.includes(networkChanged)) complaints.push(text);
  };
  page.on('pageerror', (error) => complain(error.stack ?? error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(message.text());
  });
  return { page, complaints };
}

/** Chromium gives up whatever it loads when an address of the machine comes or goes, as devices in tests make them do. */
const networkChanged = 'ERR_NETWORK_CHANGED';

/** Opens a page, anew as long as a change of the network leaves it without its scripts, as a person would. @param landmark what shows that it is there */
async function open(page: Page, path: string, landmark: Locator): Promise<void> {
  let reports = (_what: 'cut') => {};
  const listen = (request: Request) => {
    if (request.failure()?.errorText.includes(networkChanged)) reports('cut');
  };
  page.on('requestfailed', listen);
  try {
    for (let attempts = 10; attempts > 0; attempts -= 1) {
      const cut = new Promise<'cut'>((resolve) => {
        reports = resolve;
      });
      const opened = page.goto(path).then(() => landmark.waitFor());
      const outcome = await Promise.race([opened, cut]).catch((error: Error) => {
        if (!error.message.includes(networkChanged)) throw error;
        return 'cut' as const;
      });
      if (outcome !== 'cut') return;
      void opened.catch(() => undefined);
    }
  } finally {
    page.off('requestfailed', listen);
  }
  assert.fail(`${path} could not be loaded: the network of the machine never came to rest`);
}

/** Logs in as a person does. */
export async function logIn(page: Page, nick: string, password: string): Promise<void> {
  await open(page, '/login', page.getByLabel('Nick or e-mail address'));
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
