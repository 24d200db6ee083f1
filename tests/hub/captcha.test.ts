import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { invite } from '../../apps/hub/src/accounts/service.ts';
import { readConfig } from '../../apps/hub/src/config/read.ts';
import { World } from './support/world.ts';

describe('signing up with a captcha', { timeout: 60_000 }, () => {
  let world: World;
  const asked: Record<string, string>[] = [];
  /** Knows one solution, and says something else than JSON when it is broken. */
  const verifier = createServer(async (request, response) => {
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    asked.push(form);
    if (form.response === 'break') response.end('<html>');
    else response.end(JSON.stringify({ success: form.secret === 'of the hub' && form.response === 'solved' }));
  });
  before(async () => {
    await once(verifier.listen(0, '127.0.0.1'), 'listening');
    world = await World.start({
      captcha: 'true',
      'captcha-url': `http://127.0.0.1:${(verifier.address() as AddressInfo).port}/verify`,
      'captcha-secret': 'of the hub',
      'www-url': 'https://www.example.org',
    });
  });
  after(async () => {
    verifier.closeAllConnections();
    verifier.close();
    await world.stop();
  });

  const signUp = (body: object) => world.ask('POST', '/auth/accounts', { body });
  const seal = async (nick: string) => {
    const reply = await signUp({ email: `${nick}@example.org`, nick, password: 'long enough' });
    assert.equal(reply.status, 200, reply.text);
    return reply.json as unknown as { token: string; 'redirect-uri': string };
  };
  const stored = (nick: string) =>
    world.hub.db.selectFrom('accounts').select('nick').where('nick', '=', nick).execute();

  test('a wish without a captcha is not stored, but sealed for the page that asks for one', async () => {
    const sealed = await seal('ann');
    assert.deepEqual(Object.keys(sealed), ['token', 'redirect-uri']);
    assert.equal(sealed['redirect-uri'], `https://www.example.org/signup#account=${sealed.token}`);
    assert.equal(sealed.token.split('.').length, 5, 'a compact JWE');
    const header = JSON.parse(Buffer.from(sealed.token.split('.')[0] ?? '', 'base64url').toString());
    assert.deepEqual(header, { alg: 'RSA-OAEP', enc: 'A128GCM', typ: 'JWT' });
    assert.deepEqual(await stored('ann'), []);
    assert.equal(
      (await signUp({ email: 'b@example.org', nick: 'bob' })).status,
      412,
      'what is missing is told at once',
    );

    const done = await signUp({ captcha: 'solved', 'encrypted-account': sealed.token, nick: 'not this' });
    assert.deepEqual([done.status, done.json.nick, done.json.email], [200, 'ann', 'ann@example.org']);
    assert.deepEqual(asked.at(-1), { secret: 'of the hub', response: 'solved', remoteip: '127.0.0.1' });
    assert.equal((await stored('ann')).length, 1);
    const again = await signUp({ captcha: 'solved', 'encrypted-account': sealed.token });
    assert.equal(again.status, 412, 'the nick is in use');
  });

  test('a captcha that was not solved, or cannot be checked, opens nothing', async () => {
    const { token } = await seal('cleo');
    for (const captcha of ['guessed', 'break'])
      assert.equal((await signUp({ captcha, 'encrypted-account': token })).status, 412, captcha);
    const url = world.hub.config['captcha-url'];
    world.hub.config['captcha-url'] = 'http://127.0.0.1:1/';
    assert.equal((await signUp({ captcha: 'solved', 'encrypted-account': token })).status, 412);
    world.hub.config['captcha-url'] = url;
    assert.deepEqual(await stored('cleo'), []);
  });

  test('a sealed wish that is broken, too old or of another hub is refused', async () => {
    const { token } = await seal('dora');
    const parts = token.split('.');
    parts[3] = `${parts[3]?.startsWith('A') === true ? 'B' : 'A'}${parts[3]?.slice(1)}`;
    for (const wrong of ['nonsense', parts.join('.')])
      assert.equal((await signUp({ captcha: 'solved', 'encrypted-account': wrong })).status, 500, wrong);
    world.time.ahead += 25 * 3600 * 1000;
    assert.equal((await signUp({ captcha: 'solved', 'encrypted-account': token })).status, 500);
    assert.deepEqual(await stored('dora'), []);
  });

  test('an invitation needs no captcha, and the settings go together', async () => {
    const invitation = await invite(world.hub, 'user');
    const before = asked.length;
    const reply = await signUp({ email: 'eve@example.org', nick: 'eve', password: 'long enough', invitation });
    assert.deepEqual([reply.status, reply.json.nick, asked.length], [200, 'eve', before]);
    assert.throws(() => readConfig({ flags: { captcha: true } }), /captcha-secret: is needed with captcha/);
  });
});
