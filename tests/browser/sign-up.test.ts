/** Signing up where the hub wants a captcha: typed in the console, or begun by a client without a browser. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { atEnd } from '../harness/cleanup.ts';
import { World } from '../hub/support/world.ts';
import { browserMissing, demandAccessible, openBrowser, picture, visit } from './support/browser.ts';

const options = { skip: browserMissing, timeout: 120_000 };

/** What a provider's script does: draws into its elements, says the answer, and tries what it should not be able to do. */
const script = `
  const box = document.querySelector('.g-recaptcha');
  window.grecaptcha = { reset: () => (document.title = 'reset') };
  for (const answer of ['guessed', 'solved']) {
    const button = document.createElement('button');
    button.textContent = answer;
    button.onclick = () => window[box.dataset.callback](answer);
    box.append(button);
  }
  const tries = ['/devices/', '/sessions/viewer'].map((path) =>
    fetch(path, { headers: { 'x-pantahub-console': '1' } }).then(() => 'reached', () => 'blocked'));
  Promise.all(tries).then((all) => {
    const opened = (() => { try { return window.open('/') === null; } catch { return true; } })();
    document.body.dataset.tries = [...all, opened ? 'blocked' : 'opened', box.dataset.sitekey].join(' ');
  });
`;

test('a captcha stands between the wish and the account, in a page that can do nothing else', options, async (t) => {
  const provider = createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'text/javascript').end(script);
      return;
    }
    const form = new URLSearchParams(await text(request));
    response.end(JSON.stringify({ success: form.get('response') === 'solved' }));
  });
  await once(provider.listen(0, '127.0.0.1'), 'listening');
  atEnd(t, () => {
    provider.closeAllConnections();
    provider.close();
  });
  const address = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const world = await World.start({
    captcha: 'true',
    'captcha-url': `${address}/verify`,
    'captcha-secret': 'of the hub',
    'captcha-site-key': 'of the page',
    'captcha-script': `${address}/api.js`,
    'captcha-sources': address,
    'signup-path': '/join',
  });
  atEnd(t, () => world.stop());
  const browser = await openBrowser(t);
  // What the script tries is refused aloud, and so is an answer that is not right.
  const { page, complaints } = await visit(browser, world.url, {
    expected: /Content Security Policy|Refused|412|Blocked|sandbox/,
  });
  await page.goto('/join');
  await page.waitForURL('**/signup');
  await page.getByLabel('E-mail address').fill('ada@example.org');
  await page.getByLabel('Nick').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('correct horse');
  await page.getByText('After this you solve a captcha.', { exact: false }).waitFor();
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.waitForURL('**/captcha');
  await page.getByRole('button', { name: 'guessed' }).waitFor();
  await demandAccessible(page, 'the captcha');
  await picture(page, 'captcha');
  await page.waitForFunction('document.body.dataset.tries !== undefined');
  assert.equal(await page.evaluate('document.body.dataset.tries'), 'blocked blocked blocked of the page');
  await page.getByRole('button', { name: 'guessed' }).click();
  await page.getByRole('alert').getByText('the captcha was not solved').waitFor();
  await page.waitForFunction("document.title === 'reset'");
  await page.getByRole('button', { name: 'solved' }).click();
  await page.getByText('We sent you a mail.', { exact: false }).waitFor();
  const accounts = await world.hub.db.selectFrom('accounts').select('nick').where('nick', '=', 'ada').execute();
  assert.equal(accounts.length, 1);

  // A client without a browser is told an address, and a person goes on there.
  const body = { email: 'bob@example.org', nick: 'bob', password: 'long enough' };
  const wish = await world.ask('POST', '/auth/accounts', { body });
  await page.goto(String(wish.json['redirect-uri']));
  await page.getByRole('button', { name: 'solved' }).click();
  await page.getByText('We sent you a mail.', { exact: false }).waitFor();
  await page.goto('/captcha');
  await page.getByText('This link is not complete.').waitFor();
  assert.deepEqual(complaints, []);
});
