import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { World } from './support/world.ts';

describe('signing in with another identity provider', { timeout: 60_000 }, () => {
  let world: World;
  /** What the provider says about whoever signs in. */
  let profile: Record<string, unknown> = {};
  const provider = createServer((request, response) => {
    const answer = request.url?.includes('token') === true ? { access_token: 'from the provider' } : profile;
    response.end(JSON.stringify(answer));
  });
  before(async () => {
    await once(provider.listen(0, '127.0.0.1'), 'listening');
    process.env.GITLAB_OAUTH_URL = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
    process.env.GITLAB_OAUTH_CLIENT_ID = 'client';
    process.env.GITLAB_OAUTH_CLIENT_SECRET = 'secret';
    world = await World.start({});
  });
  after(async () => {
    for (const name of ['URL', 'CLIENT_ID', 'CLIENT_SECRET']) delete process.env[`GITLAB_OAUTH_${name}`];
    provider.close();
    await world.stop();
  });

  const signIn = async (redirect = '') => {
    const begun = await world.ask('GET', `/auth/oauth/login/gitlab?redirect_uri=${encodeURIComponent(redirect)}`);
    if (begun.status !== 307) return begun;
    const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? '';
    const cookie = begun.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    return world.ask('GET', `/auth/oauth/callback/gitlab?code=c&state=${state}`, { headers: { cookie } });
  };

  test('makes an account the first time and finds it by its address after that', async () => {
    profile = { email: 'Grace@example.org', username: 'grace', email_verified: true };
    const first = await signIn();
    assert.equal(first.status, 200, first.text);
    const self = (reply: typeof first) => world.get('/auth/', reply.json.token as unknown as string);
    const account = await self(first);
    assert.deepEqual([account.nick, account.email], ['grace', 'grace@example.org']);
    assert.equal((await self(await signIn())).prn, account.prn);
    profile = { email: 'other@example.org', username: 'grace' };
    assert.equal((await self(await signIn())).nick, 'grace_gitlab');
  });

  test('sends the token only to the hub or to this machine, and only to the browser that began', async () => {
    profile = { email: 'grace@example.org', username: 'grace' };
    const there = await signIn('http://localhost:9/done');
    assert.match(there.headers.get('location') ?? '', /^http:\/\/localhost:9\/done#token=/);
    assert.equal((await signIn('https://evil.example/')).status, 400);
    assert.equal((await world.ask('GET', '/auth/oauth/callback/gitlab?code=c&state=guessed')).status, 403);
    assert.equal((await world.ask('GET', '/auth/oauth/login/github')).status, 403, 'not set up');
  });

  test('logs the console in with a cookie, so that no address holds a token, and says there why it could not', async () => {
    profile = { email: 'grace@example.org', username: 'grace' };
    const target = `${world.url}/login?next=%2Fclaim`;
    const back = await signIn(target);
    assert.deepEqual([back.status, back.headers.get('location')], [307, target]);
    const cookie = back.headers.getSetCookie().find((line) => line.startsWith('pantahub-session=')) ?? '';
    assert.match(cookie, /; HttpOnly; SameSite=Strict; /);
    const headers = { cookie: cookie.split(';')[0] ?? '', 'x-pantahub-console': '1' };
    const viewer = await world.ask('GET', '/sessions/viewer', { headers });
    assert.equal(viewer.json.nick, 'grace');
    profile = { username: 'grace' };
    const refused = new URL((await signIn(target)).headers.get('location') ?? '');
    assert.equal(refused.searchParams.get('next'), '/claim');
    assert.match(refused.searchParams.get('error') ?? '', /^cannot sign in with gitlab: it tells no e-mail address/);
  });

  test('an address the provider has not confirmed opens no account', async () => {
    profile = { email: 'grace@example.org', username: 'mallory', email_verified: false };
    assert.equal((await signIn()).status, 403);
  });
});
