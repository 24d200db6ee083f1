import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { onEveryBackend, sharedWorld, type World } from './support/world.ts';

const hour = 3600 * 1000;

/** The newest mail to an address; mails are files by default. */
function mailTo(world: World, address: string): string {
  const folder = join(world.folder, 'mail');
  const name = readdirSync(folder)
    .filter((file) => file.includes(address))
    .sort()
    .at(-1);
  return readFileSync(join(folder, name ?? ''), 'utf8');
}

onEveryBackend('people', (ground) => {
  const shared = sharedWorld(ground, { 'demo-accounts': 'true' });

  test('signs up, confirms the address, forgets the password', async () => {
    const { world } = shared;
    const signUp = (body: object) => world.ask('POST', '/auth/accounts', { body });
    for (const wrong of [
      {},
      { email: 'a@b' },
      { email: 'a@b', password: 'long enough' },
      { email: 'a@b', password: 'long enough', nick: 'ab' },
      { email: 'a@b', password: 'long enough', nick: 'devices' },
      { email: 'a@b', password: 'short', nick: 'fine' },
    ])
      assert.equal((await signUp(wrong)).status, 412, JSON.stringify(wrong));
    const made = await signUp({ email: 'Ann@example.org', nick: 'ann', password: 'first password' });
    assert.equal(made.status, 200);
    assert.deepEqual(Object.keys(made.json), ['type', 'email', 'nick', 'prn', 'time-created', 'time-modified']);
    assert.equal((await signUp({ email: 'ann@example.org', nick: 'other', password: 'first password' })).status, 412);
    const early = await world.ask('POST', '/auth/login', { body: { username: 'ann', password: 'first password' } });
    assert.deepEqual([early.status, early.json.reason], [401, 'account-not-confirmed']);
    const link = /\/verify\?\S+/.exec(mailTo(world, 'Ann@example.org'))?.[0] ?? '';
    assert.equal((await world.ask('GET', `/auth${link}x`)).status, 412);
    await world.must('GET', `/auth${link}`);
    assert.equal((await world.ask('GET', `/auth${link}`)).status, 412, 'works once');
    const token = await world.login('ann@example.org', 'first password');
    await world.must('POST', '/auth/recover', { body: { email: 'ann@example.org' } });
    assert.equal(
      (await world.ask('POST', '/auth/recover', { body: { email: 'nobody@example.org' } })).status,
      200,
      'does not tell who exists',
    );
    const reset = /token=(\S+)/.exec(mailTo(world, 'ann@example.org'))?.[1];
    world.time.ahead += 2000;
    assert.equal(
      (await world.ask('POST', '/auth/password', { body: { token: reset, password: 'second password' } })).text,
      'true',
    );
    assert.equal(
      (await world.ask('POST', '/auth/password', { body: { token: reset, password: 'third password' } })).status,
      400,
    );
    assert.equal((await world.ask('GET', '/auth/', { token })).status, 401, 'old sessions end');
    assert.equal(
      (await world.ask('POST', '/auth/login', { body: { username: 'ann', password: 'first password' } })).status,
      401,
    );
    await world.login('ann', 'second password');
  });

  test('guessing is slowed down, for that name only', async () => {
    const { world } = shared;
    await world.person('guessed');
    const attempt = (password: string) => world.ask('POST', '/auth/login', { body: { username: 'guessed', password } });
    for (let count = 0; count < 5; count += 1) assert.equal((await attempt('wrong')).status, 401);
    const slowed = await attempt('password');
    assert.equal(slowed.status, 429);
    assert.ok(Number(slowed.headers.get('retry-after')) >= 1);
    await world.login('user2', 'user2');
    world.time.ahead += 10_000;
    assert.equal((await attempt('password')).status, 200);
  });

  test('tokens expire, are refreshed for a day, and end with a logout', async () => {
    const { world } = shared;
    const person = await world.person('refresher');
    world.time.ahead += hour / 2;
    const fresh = (await world.get('/auth/login', person.token)).token as unknown as string;
    world.time.ahead += hour * 0.75;
    const expired = await world.ask('GET', '/auth/', { token: person.token });
    assert.equal(expired.status, 401);
    assert.match(
      expired.headers.get('www-authenticate') ?? '',
      /^JWT realm="pantahub services", ph-aeps="[^"]+\/auth"$/,
    );
    await world.get('/auth/', fresh);
    let current = fresh;
    for (let hours = 0; hours < 24; hours += 0.5) {
      const reply = await world.ask('GET', '/auth/login', { token: current });
      if (reply.status === 401) break;
      current = reply.json.token as unknown as string;
      world.time.ahead += hour / 2;
    }
    assert.equal((await world.ask('GET', '/auth/login', { token: current })).status, 401, 'a day after the login');
    const again = await world.login('refresher', 'password');
    await world.must('POST', '/auth/logout', { token: again });
    assert.equal((await world.ask('GET', '/auth/', { token: again })).status, 401);
  });

  test('an administrator acts as somebody else, others cannot', async () => {
    const { world } = shared;
    const admin = await world.person('root', 'admin');
    const user = await world.person('helped');
    const token = await world.login(`root==>helped`, 'password');
    assert.equal((await world.get('/auth/auth_status', token)).prn, user.prn);
    await world.device({ token });
    assert.equal((await world.get('/devices/', user.token)).length, 1);
    const tried = await world.login('helped==>root', 'password');
    assert.equal((await world.get('/auth/auth_status', tried)).prn, user.prn);
    const all = await world.get('/auth/accounts?asadmin=yes', admin.token);
    assert.ok(all.length >= 2);
    assert.doesNotMatch(JSON.stringify(all), /argon2|sha256\$/);
  });

  test('a service gets a code once, its token can be taken back with the application', async () => {
    const { world } = shared;
    const user = await world.person('granter');
    const maker = await world.person('maker');
    const scopes = [{ id: 'devices.readonly', service: 'prn:pantahub.com:apis:/base' }];
    const app = await world.must('POST', '/apps/', {
      token: maker.token,
      body: { type: 'confidential', nick: 'My App', redirect_uris: ['https://app.example/cb'], scopes },
    });
    assert.equal(app.prn, 'prn:pantahub.com:apis:/my-app');
    const wrong = await world.ask('POST', '/auth/login', { body: { username: app.prn, password: 'wrong' } });
    assert.equal(wrong.status, 401);
    const asApp = await world.login(String(app.prn), String(app.secret));
    const code = (body: object) =>
      world.ask('POST', '/auth/code', { token: user.token, body: { service: app.prn, ...body } });
    assert.equal((await code({ scopes: 'all' })).status, 400, 'not in its list');
    assert.equal((await code({ redirect_uri: 'https://app.example.evil/cb' })).status, 400);
    const granted = await code({ redirect_uri: 'https://app.example/cb', state: 's' });
    assert.match(String(granted.json.redirect_uri), /^https:\/\/app\.example\/cb\?code=\w+&state=s$/);
    const exchange = (token: string) =>
      world.ask('POST', '/auth/token', { token, body: { 'access-code': granted.json.code, comment: 'c' } });
    const exchanged = await exchange(asApp);
    assert.equal(exchanged.status, 200, exchanged.text);
    assert.equal((await exchange(asApp)).status, 401, 'works once');
    const token = exchanged.json.token as unknown as string;
    await world.get('/devices/', token);
    assert.equal((await world.ask('POST', '/devices/', { token })).status, 403);
    await world.must('DELETE', `/apps/${app.id}`, { token: maker.token });
    assert.equal((await world.ask('GET', '/devices/', { token })).status, 401);
  });

  test('PKCE gives a token only to whoever began the flow, after approval', async () => {
    const { world } = shared;
    const user = await world.person('pkce');
    const verifier = randomBytes(32).toString('base64url');
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const redirect = 'http://localhost:8123/callback';
    const query = new URLSearchParams({
      client_id: 'cli',
      redirect_uri: redirect,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 'x',
    });
    const begun = await world.ask('GET', `/auth/oauth/authorize?${query}`);
    assert.equal(begun.status, 307);
    const authCode = new URL(begun.headers.get('location') ?? '').searchParams.get('auth_code') ?? '';
    const finish = (more: object) =>
      world.ask('POST', '/auth/oauth/token', {
        body: {
          grant_type: 'authorization_code',
          'access-code': authCode,
          code_verifier: verifier,
          redirect_uri: redirect,
          ...more,
        },
      });
    const cookie = begun.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    const approved = await world.must('POST', '/auth/code', {
      token: user.token,
      body: { service: 'cli', scopes: 'devices.readonly', redirect_uri: redirect },
      headers: { cookie },
    });
    assert.equal(approved.code, authCode);
    const done = await finish({});
    assert.equal(done.status, 200, done.text);
    assert.equal((await world.get('/auth/auth_status', done.json.token as unknown as string)).prn, user.prn);
    assert.equal((await finish({})).status, 400, 'works once');
    const evil = new URLSearchParams({ ...Object.fromEntries(query), redirect_uri: 'https://evil.example/callback' });
    assert.equal((await world.ask('GET', `/auth/oauth/authorize?${evil}`)).status, 400);
  });

  test('a personal access token works for CI until it is revoked', async () => {
    const { world } = shared;
    const person = await world.person('automator');
    const made = await world.must('POST', '/tokens/', {
      token: person.token,
      body: { name: 'ci', scopes: ['prn:pantahub.com:apis:/base/devices'] },
    });
    assert.equal((await world.ask('POST', '/tokens/', { token: person.token, body: { name: 'ci' } })).status, 500);
    assert.equal(
      (await world.ask('POST', '/tokens/', { token: person.token, body: { scopes: ['devices'] } })).status,
      400,
    );
    const token = await world.login('ci', String(made.secret));
    await world.get('/devices/', token);
    assert.equal((await world.ask('GET', '/trails/', { token })).status, 403);
    assert.equal((await world.get(`/tokens/${made.id}`, person.token)).secret, undefined);
    await world.must('DELETE', `/tokens/${made.id}`, { token: person.token });
    assert.equal((await world.ask('GET', '/devices/', { token })).status, 401);
    assert.equal(
      (await world.ask('POST', '/auth/login', { body: { username: 'ci', password: String(made.secret) } })).status,
      401,
    );
  });

  test('an anonymous caller reads public things and is told to log in for the rest', async () => {
    const { world } = shared;
    const anon = await world.login('prn:pantahub.com:auth:/anon', 'x', 'all devices.readonly');
    assert.equal((await world.get('/auth/auth_status', anon)).scopes, 'prn:pantahub.com:apis:/base/devices.readonly');
    const logs = await world.ask('GET', '/logs/', { token: anon });
    assert.equal(logs.status, 403);
    assert.match(
      logs.headers.get('www-authenticate') ?? '',
      /^Bearer Realm="pantahub services", ph-aeps="[^"]+", scope="[^"]+", error="insufficient_scope", error_description="[^"]+"$/,
    );
  });

  test('the invitation of the first start makes an administrator, once', async () => {
    const { world } = shared;
    const { invitation } = world.running;
    const body = { email: 'first@example.org', nick: 'first', password: 'a password', invitation };
    await world.must('POST', '/auth/accounts', { body });
    const token = await world.login('first', 'a password');
    assert.equal((await world.get('/auth/auth_status', token)).roles, 'admin');
    assert.equal(
      (await world.ask('POST', '/auth/accounts', { body: { ...body, nick: 'second', email: 's@example.org' } })).status,
      412,
    );
  });
});
