import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type TestContext } from 'node:test';
import { makeWorkspace } from '../../apps/pvr/src/testing/workspace.ts';
import { atEnd } from '../harness/cleanup.ts';
import { World } from '../hub/support/world.ts';

async function world(context: TestContext, settings: Record<string, string> = {}): Promise<World> {
  const made = await World.start(settings);
  atEnd(context, () => made.stop());
  return made;
}

const timeout = 120_000;
const minutes = 60_000;

test('an account is registered; a name that is taken is refused, and a hub that wants a captcha names the page', {
  timeout,
}, async (context) => {
  const hub = await world(context);
  const space = makeWorkspace(context, { PVR_BASEURL: hub.url });
  const account = ['-u', 'newcomer', '-p', 'a long password', '-e', 'newcomer@example.org'];
  const made = await space.run(['register', ...account]);
  assert.equal(made.code, 0, made.err);
  assert.equal(made.err.includes('a long password') || made.out.includes('a long password'), false);
  const again = await space.run(['register', ...account]);
  assert.equal(again.code, 3);
  assert.match(again.err, /cannot register newcomer/);
  assert.match((await space.run(['register', '-u', 'x'])).err, /--email is missing/);

  const careful = await world(context, {
    captcha: 'true',
    'captcha-secret': 'of the hub',
    'www-url': 'https://hub.example.com',
  });
  assert.match(
    await space.ok(['register', '-b', careful.url, ...account]),
    /Confirm your account: https:\/\/hub\.example\.com\/signup/,
  );
});

test('a token that expires is renewed, or asked for anew; one that was given is not', { timeout }, async (context) => {
  const hub = await world(context, { 'token-minutes': '10' });
  const owner = await hub.person('expiring');
  const space = makeWorkspace(context, { PVR_BASEURL: hub.url });
  const person = { PVR_USERNAME: 'expiring', PVR_PASSWORD: 'password' };
  await space.ok(['login'], '.', person);
  const auth = join(space.home, '.pvr/auth.json');
  assert.equal(statSync(auth).mode & 0o777, 0o600);
  const first = readFileSync(auth, 'utf8');

  hub.time.ahead += 11 * minutes;
  await space.ok(['device', 'ps'], '.', person);
  const second = readFileSync(auth, 'utf8');
  assert.notEqual(second, first);
  await space.ok(['device', 'ps']);

  hub.time.ahead += 11 * minutes;
  const nobody = await space.run(['device', 'ps']);
  assert.equal(nobody.code, 3);
  assert.match(nobody.err, /nobody is there to ask/);
  const given = await space.run(['--json', 'device', 'ps', '--access-token', owner.token]);
  assert.equal(JSON.parse(given.err).error.code, 'unauthorized');
  assert.equal(given.err.includes(owner.token), false);

  const file = join(space.home, 'token');
  writeFileSync(file, `${await hub.login('expiring', 'password')}\n`, { mode: 0o600 });
  await space.ok(['device', 'ps'], '.', { PVR_ACCESSTOKEN_FILE: file });
});

test('the log of a device is followed as it grows', { timeout }, async (context) => {
  const hub = await world(context);
  const owner = await hub.person('follower');
  const device = await hub.device(owner);
  const say = (...messages: string[]): Promise<unknown> =>
    hub.must('POST', '/logs/', {
      token: device.token,
      body: messages.map((msg) => ({
        tsec: 0,
        tnano: 0,
        lvl: 'INFO',
        src: '/pantavisor.log',
        plat: 'pantavisor',
        rev: '1',
        msg,
      })),
    });
  await say('before');
  const main = join(import.meta.dirname, '../../apps/pvr/src/main.ts');
  const child = spawn(process.execPath, [main, 'device', 'logs', '-f', '--template', '{{.LogText}}', device.id], {
    env: {
      PATH: process.env.PATH,
      HOME: makeWorkspace(context).home,
      PVR_BASEURL: hub.url,
      PVR_ACCESSTOKEN: owner.token,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  atEnd(context, async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => (await lines.next()).value;
  assert.equal(await next(), 'before');
  await say('one', 'two');
  assert.deepEqual([await next(), await next()], ['one', 'two']);
  await say('three');
  assert.equal(await next(), 'three');
  // Ctrl-C is how one ends it.
  child.kill('SIGINT');
  assert.deepEqual(await ended, [null, 'SIGINT']);
});

test('public devices are read by everybody, and changed only by their owners', { timeout }, async (context) => {
  const hub = await world(context);
  const owner = await hub.person('publisher');
  const device = await hub.installed(owner);
  const space = makeWorkspace(context, { PVR_BASEURL: hub.url, PVR_REPO_BASEURL: hub.url });
  const stranger = await space.run(['clone', `${hub.url}/trails/${device.id}`, 'copy']);
  assert.equal(stranger.code, 3);
  await hub.must('PUT', `/devices/${device.id}/public`, { token: owner.token });
  await space.ok(['clone', `${hub.url}/trails/${device.id}`, 'copy']);
  assert.equal(readFileSync(space.path('copy/bsp/kernel')).length > 0, true);
  await space.ok(['clone', `publisher/${device.nick}`, 'short']);
  assert.deepEqual(readFileSync(space.path('short/.pvr/json')), readFileSync(space.path('copy/.pvr/json')));

  const other = await hub.person('other');
  space.write({ 'copy/more.json': {} });
  await space.ok(['add', '.'], 'copy');
  await space.ok(['commit'], 'copy');
  const posted = await space.run(['post'], 'copy', { PVR_ACCESSTOKEN: other.token });
  assert.equal(posted.code, 3);
  assert.match(posted.err, /answered 40[34]/);
  await space.ok(['post', '-m', 'mine'], 'copy', { PVR_ACCESSTOKEN: owner.token });
});

test('a full quota is told as what it is, and a hub that puts one off is asked again', { timeout }, async (context) => {
  const hub = await world(context, { 'rate-per-caller': '5' });
  const owner = await hub.person('small');
  const admin = await hub.person('giver', 'admin');
  const device = await hub.installed(owner);
  const give = (attrs: Record<string, string>): Promise<unknown> =>
    hub.must('PUT', '/subscriptions/admin/subscription', {
      token: admin.token,
      body: { subject: owner.prn, plan: 'prn::subscriptions:CUSTOM', attrs },
    });
  await give({ DEVICES: '2', OBJECTS: '1KiB', BANDWIDTH: '100MiB' });
  const space = makeWorkspace(context, { PVR_BASEURL: hub.url, PVR_ACCESSTOKEN: owner.token });
  await space.ok(['clone', `${hub.url}/trails/${device.id}`, 'copy']);
  space.write({ 'copy/app/large': 'x'.repeat(5000) });
  await space.ok(['add', '.'], 'copy');
  await space.ok(['commit'], 'copy');
  const refused = await space.run(['--json', 'post'], 'copy');
  assert.equal(refused.code, 3);
  const { error } = JSON.parse(refused.err.trim().split('\n').at(-1)!);
  assert.deepEqual([error.code, error.hint], ['quota-exceeded', 'the plan of the account allows no more']);

  await give({ DEVICES: '2', OBJECTS: '10MiB', BANDWIDTH: '100MiB' });
  space.write(Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`copy/app/f${index}`, `content ${index}`])));
  await space.ok(['add', '.'], 'copy');
  await space.ok(['commit'], 'copy');
  await space.ok(['post', '-m', 'all of it'], 'copy');
});
