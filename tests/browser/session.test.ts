/** People come in and go: signing up, logging in, getting back in, and what other pages in the same browser cannot do. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { atEnd } from '../harness/cleanup.ts';
import { World } from '../hub/support/world.ts';
import { browserMissing, demandAccessible, logIn, openBrowser, picture, visit } from './support/browser.ts';

const options = { skip: browserMissing, timeout: 120_000 };

/** The newest mail that the hub wrote. */
function lastLink(folder: string): string {
  const mails = readdirSync(join(folder, 'mail')).sort();
  const text = readFileSync(join(folder, 'mail', mails.at(-1) ?? ''), 'utf8')
    .replaceAll('=\r\n', '')
    .replaceAll('=\n', '')
    .replaceAll('=3D', '=');
  return /https?:\S+/.exec(text)?.[0] ?? '';
}

test('somebody signs up, confirms, logs in, forgets the password, and chooses another', options, async (t) => {
  const world = await World.start({});
  atEnd(t, () => world.stop());
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, world.url, { expected: /401|412/ });
  await page.goto('/signup');
  await page.getByLabel('E-mail address').fill('ada@example.org');
  await page.getByLabel('Nick').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('correct horse');
  await demandAccessible(page, 'sign-up');
  await picture(page, 'sign-up');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByText('We sent a mail to ada@example.org').waitFor();

  await page.goto(lastLink(world.folder));
  await page.getByText('Welcome ada').waitFor();

  await page.goto('/login?next=%2Faccount%2Fsessions');
  await page.getByLabel('Nick or e-mail address').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('wrong password');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('alert').getByText('name or password is wrong').waitFor();
  await demandAccessible(page, 'a refused login');
  await picture(page, 'login-refused');

  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.getByLabel('E-mail address').fill('ada@example.org');
  await page.getByRole('button', { name: 'Send the mail' }).click();
  await page.getByText('a mail is on its way').waitFor();
  await page.goto(lastLink(world.folder));
  await page.getByRole('textbox', { name: 'New password' }).fill('battery staple');
  assert.ok(!page.url().includes('token'), 'the token leaves the address bar');
  await page.getByRole('button', { name: 'Set the password' }).click();
  await page.getByText('The new password is set').waitFor();

  await logIn(page, 'ada', 'battery staple');
  await page.getByRole('button', { name: 'ada' }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  await page.goto('/');
  await page.waitForURL(/\/login/);
  assert.deepEqual(complaints, []);
});

test('the session is out of reach of scripts and of other origins', options, async (t) => {
  const world = await World.start({});
  atEnd(t, () => world.stop());
  await world.person('ada');
  const browser = await openBrowser(t);
  const { page } = await visit(browser, world.url);
  await logIn(page, 'ada', 'password');
  const cookies = await page.context().cookies();
  assert.deepEqual(
    cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })),
    [{ name: 'pantahub-session', httpOnly: true, sameSite: 'Strict' }],
  );
  assert.equal(await page.evaluate('document.cookie'), '');
  // Neither the cookie's secret nor a token is anywhere a script can read.
  const stored = await page.evaluate('JSON.stringify([{...localStorage}, {...sessionStorage}])');
  assert.doesNotMatch(String(stored), /eyJ|[\w-]{40}/);

  // Another port of the same host is the same site: cookies go with its requests, so the hub has to look further.
  const evil = createServer((_request, response) => response.end('<!doctype html><title>evil</title>'));
  evil.listen(0, '127.0.0.1');
  atEnd(t, () => void evil.close());
  const other = await page.context().newPage();
  await other.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
  const target = world.url.replace('localhost', '127.0.0.1');
  const tries = [
    [`${target}/devices/`, {}],
    [`${target}/devices/`, { headers: { 'x-pantahub-console': '1' } }],
    [`${target}/devices/`, { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } }],
    [`${target}/sessions/viewer`, {}],
  ] as const;
  for (const [address, more] of tries) {
    const outcome = await other.evaluate(
      async ([to, init]) => {
        try {
          const response = await fetch(to, { ...init, credentials: 'include' });
          return `${response.status} ${await response.text()}`;
        } catch {
          return 'blocked';
        }
      },
      [address, more] as [string, Record<string, never>],
    );
    assert.doesNotMatch(outcome, /"nick":"ada"/, `${address} ${JSON.stringify(more)}: ${outcome}`);
    assert.doesNotMatch(outcome, /"owner":"prn:::accounts/, `${address} ${JSON.stringify(more)}: ${outcome}`);
  }
  // A page of the hub itself cannot run what somebody smuggles into it.
  const policy = (await page.goto('/'))?.headers()['content-security-policy'] ?? '';
  assert.match(policy, /script-src 'self';/);
  assert.doesNotMatch(policy, /unsafe/);
});
