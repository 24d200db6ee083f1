/** Other parties take part in a login: an identity provider that vouches for somebody, an application that wants to act for them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { atEnd } from '../harness/cleanup.ts';
import { World } from '../hub/support/world.ts';
import { browserMissing, demandAccessible, openBrowser, picture, visit } from './support/browser.ts';

const options = { skip: browserMissing, timeout: 120_000 };

/** A server of somebody else. @returns its address */
async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Sets up a provider until the test is over. */
function offerGitlab(t: TestContext, address: string): void {
  const settings = { URL: address, CLIENT_ID: 'client', CLIENT_SECRET: 'secret' };
  for (const [name, value] of Object.entries(settings)) process.env[`GITLAB_OAUTH_${name}`] = value;
  atEnd(t, () => {
    for (const name of Object.keys(settings)) delete process.env[`GITLAB_OAUTH_${name}`];
  });
}

test('somebody signs in with an identity provider, and comes to the page they wanted', options, async (t) => {
  let email: string | undefined;
  const provider = await serve(t, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://provider');
    if (pathname !== '/oauth/authorize') {
      response.end(JSON.stringify(pathname.endsWith('token') ? { access_token: 'x' } : { email, username: 'grace' }));
      return;
    }
    const back = new URL(searchParams.get('redirect_uri') ?? '');
    back.searchParams.set('code', 'c');
    back.searchParams.set('state', searchParams.get('state') ?? '');
    response.writeHead(302, { location: back.href }).end();
  });
  offerGitlab(t, provider);
  const world = await World.start({});
  atEnd(t, () => world.stop());
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, world.url);
  await page.goto('/account/tokens');
  await page.getByRole('link', { name: 'Continue with GitLab' }).click();
  await page.getByRole('alert').getByText('it tells no e-mail address').waitFor();
  await demandAccessible(page, 'a refused sign-in');
  email = 'grace@example.org';
  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  await page.getByRole('link', { name: 'Continue with GitLab' }).click();
  await page.getByRole('button', { name: 'Make a token' }).first().waitFor();
  await page.getByRole('button', { name: 'grace' }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/account/tokens');
  assert.doesNotMatch(addresses.join(' '), /token=|eyJ/);
  const stored = await page.evaluate('JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])');
  assert.doesNotMatch(String(stored), /eyJ|[\w-]{40}/);
  assert.deepEqual(complaints, []);
});

test('a console with an address of its own is signed in to through the address of the hub', options, async (t) => {
  const provider = await serve(t, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://provider');
    if (pathname !== '/oauth/authorize') {
      const profile = { email: 'grace@example.org', username: 'grace' };
      response.end(JSON.stringify(pathname.endsWith('token') ? { access_token: 'x' } : profile));
      return;
    }
    const back = new URL(searchParams.get('redirect_uri') ?? '');
    back.searchParams.set('code', 'c');
    back.searchParams.set('state', searchParams.get('state') ?? '');
    response.writeHead(302, { location: back.href }).end();
  });
  offerGitlab(t, provider);
  const world = await World.start({ 'www-url': 'http://127.0.0.1:1' });
  atEnd(t, () => world.stop());
  // One server under two names, as behind a proxy: the console's, and that of the API, which alone the provider knows.
  const { port } = new URL(world.url);
  const console = `http://127.0.0.1:${port}`;
  world.hub.config['www-url'] = console;
  world.hub.config['public-url'] = `http://localhost:${port}`;
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, console);
  await page.goto('/account/sessions');
  await page.getByRole('link', { name: 'Continue with GitLab' }).click();
  await page.getByText('this browser', { exact: true }).waitFor();
  assert.equal(page.url(), `${console}/account/sessions`);
  const stored = await page.evaluate('JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])');
  assert.doesNotMatch(String(stored), /eyJ/);
  assert.deepEqual(complaints, []);

  // A link that somebody else made logs nobody in, whatever token is in it.
  const { token } = await world.person('mallory');
  const other = await visit(browser, console, { expected: /401/ });
  await other.page.goto(`/login?begun=guessed#token=${token}`);
  await other.page.getByRole('alert').getByText('was not begun in this tab').waitFor();
  assert.ok(!other.page.url().includes('token'));
  await other.page.goto('/account/sessions');
  await other.page.waitForURL(/\/login/);
  assert.deepEqual(other.complaints, []);
});

test('an application asks to act for somebody, who refuses, and then agrees', options, async (t) => {
  const world = await World.start({});
  atEnd(t, () => world.stop());
  const owner = await world.person('ada');
  const answers: URL[] = [];
  const application = await serve(t, (request, response) => {
    const address = new URL(request.url ?? '', 'http://application');
    if (address.pathname === '/done') answers.push(address);
    response.setHeader('content-type', 'text/html').end('<!doctype html><link rel="icon" href="data:,"><h1>Back</h1>');
  });
  const redirect = `${application}/done`;
  const app = await world.must('POST', '/apps/', {
    token: owner.token,
    body: {
      name: 'Fleet report',
      type: 'confidential',
      redirect_uris: [redirect],
      scopes: [{ id: 'devices.readonly', service: 'prn:pantahub.com:apis:/base' }],
    },
  });
  const query = new URLSearchParams({
    client_id: String(app.prn),
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'prn:pantahub.com:apis:/base/devices.readonly',
    state: 'of the application',
  });
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, world.url);
  const title = page.getByRole('heading', { name: 'Fleet report wants to act for you' });
  await page.goto(`/oauth2/authorize?${query}`);
  await page.getByLabel('Nick or e-mail address').fill('ada');
  await page.getByRole('textbox', { name: 'Password' }).fill('password');
  await page.getByRole('button', { name: 'Log in' }).click();
  await title.waitFor();
  await page.getByText('You are logged in as ada.').waitFor();
  await page.getByText(`After that you are sent to ${new URL(application).host}.`).waitFor();
  assert.equal(await page.getByRole('listitem').count(), 1, 'one scope was asked for');
  await demandAccessible(page, 'the consent');
  await picture(page, 'consent-light');
  await page.getByRole('button', { name: 'Do not allow' }).click();
  await page.getByRole('heading', { name: 'Back' }).waitFor();
  const refused = answers.at(-1)?.searchParams;
  assert.deepEqual(
    [refused?.get('error'), refused?.get('state'), refused?.has('code')],
    ['access_denied', 'of the application', false],
  );

  await page.goto(`/oauth2/authorize?${query}`);
  await title.waitFor();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.getByRole('heading', { name: 'Back' }).waitFor();
  const granted = answers.at(-1)?.searchParams;
  assert.equal(granted?.get('state'), 'of the application');
  const login = await world.login(String(app.prn), String(app.secret));
  const { token } = await world.must('POST', '/auth/token', {
    token: login,
    body: { 'access-code': granted?.get('code') ?? '', comment: 'report' },
  });
  await world.get('/devices/', String(token));
  const write = await world.ask('POST', '/devices/', { token: String(token), body: {} });
  assert.equal(write.status, 403, 'no more than was agreed to');

  assert.deepEqual(complaints, []);

  // Nobody else gets the code: the address is not one of the application.
  query.set('redirect_uri', `${application}/elsewhere`);
  await page.goto(`/oauth2/authorize?${query}`);
  await title.waitFor();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page
    .getByRole('alert')
    .getByText(/^cannot/)
    .waitFor();
  await demandAccessible(page, 'a refused consent');
});
