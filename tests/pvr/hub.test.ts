import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { makeWorkspace } from '../../apps/pvr/src/testing/workspace.ts';
import { World } from '../hub/support/world.ts';

test('a device is made with the committed state as its first revision', { timeout: 120_000 }, async (context) => {
  const world = await World.start({});
  context.after(() => world.stop());
  const owner = await world.person('pvruser');
  const space = makeWorkspace(context, {
    PVR_BASEURL: world.url,
    PVR_ACCESSTOKEN: owner.token,
    PVR_REPO_BASEURL: world.url,
  });
  space.write({ 'r/app/f': 'content', 'r/app/empty': '', 'r/app/run.json': { name: 'app', big: 1 } });
  await space.ok(['init'], 'r');
  await space.ok(['add', '.'], 'r');
  await space.ok(['commit', '-m', 'first'], 'r');
  const created = JSON.parse(await space.ok(['--json', 'device', 'create', 'pvrdevice'], 'r'));
  const { id } = created;
  assert.equal(created.nick, 'pvrdevice');
  const { id: found } = JSON.parse(await space.ok(['device', 'get', 'pvrdevice', '--json']));
  assert.equal(found, id);
  const state = JSON.parse(await space.ok(['inspect', '--json', `${world.url}/trails/${id}`]));
  assert.deepEqual(state, JSON.parse(readFileSync(space.path('r/.pvr/json'), 'utf8')));
});

test('claim, clone, change, post, fastcopy, metadata and list', { timeout: 120_000 }, async (context) => {
  const world = await World.start({});
  context.after(() => world.stop());
  const owner = await world.person('pvrowner');
  const [one, two] = [await world.device(owner), await world.device(owner)];
  for (const device of [one, two]) {
    const token = await world.login(device.prn, device.secret);
    await world.must('POST', '/trails/', {
      token,
      body: { '#spec': 'pantavisor-service-system@1', 'note.json': { device: 'of mine' } },
    });
  }
  const space = makeWorkspace(context, { PVR_BASEURL: world.url, PVR_ACCESSTOKEN: owner.token });
  const trail = (id: string): string => `${world.url}/trails/${id}`;
  await space.ok(['clone', trail(one.id), 'one']);
  assert.deepEqual(JSON.parse(readFileSync(space.path('one/note.json'), 'utf8')), { device: 'of mine' });
  space.write({ 'one/app/f': 'content', 'one/app/empty': '', 'one/app/run.json': { n: 12 } });
  await space.ok(['add', '.'], 'one');
  await space.ok(['commit'], 'one');
  const { err } = await space.run(['post', '-m', 'more'], 'one');
  assert.match(err, new RegExp(`Successfully posted Revision 1 \\([0-9a-f]{8}\\) to device id ${one.id}`));
  const step = JSON.parse(await space.ok(['step-info', '--json', trail(one.id)]));
  assert.equal(step['commit-msg'], 'more');

  await space.ok(['clone', `${trail(one.id)}#app`, 'again']);
  assert.equal(readFileSync(space.path('again/app/f'), 'utf8'), 'content');
  await space.ok(['fastcopy', '-m', 'copied', `${trail(one.id)}#app`, `${trail(two.id)}#web`]);
  const copied = JSON.parse(await space.ok(['inspect', '--json', trail(two.id)]));
  assert.deepEqual(Object.keys(copied), ['#spec', 'note.json', 'web/empty', 'web/f', 'web/run.json']);
  assert.equal(JSON.parse(await space.ok(['remote-info', '--json', trail(one.id)]))['json-key'], 'state');

  assert.match(await space.ok(['device', 'set', one.id, 'a=1', 'b.c=x=y']), /user-meta field Updated Successfully/);
  const meta = JSON.parse(await space.ok(['device', 'get', '--json', one.id]))['user-meta'];
  assert.deepEqual(meta, { a: '1', 'b.c': 'x=y' });
  const rows = await space.ok(['device', 'ps']);
  assert.match(rows, /^ID +NICK +REV +STATUS +STATE +SEEN +IP +MESSAGE$/m);
  assert.match(rows, new RegExp(`^${one.id.slice(0, 8)} `, 'm'));
});

test('logs are shown in their order, filtered and in the form that is asked for', {
  timeout: 120_000,
}, async (context) => {
  const world = await World.start({});
  context.after(() => world.stop());
  const owner = await world.person('pvrlogs');
  const device = await world.device(owner);
  const token = await world.login(device.prn, device.secret);
  const entry = (msg: string, plat: string) => ({
    tsec: 0,
    tnano: 0,
    lvl: 'INFO',
    src: '/pantavisor.log',
    plat,
    rev: '1',
    msg,
  });
  await world.must('POST', '/logs/', {
    token,
    body: [entry('first', 'app'), entry('second', 'pantavisor'), entry('third', 'app')],
  });
  const space = makeWorkspace(context, { PVR_BASEURL: world.url, PVR_ACCESSTOKEN: owner.token });
  const show = (...argv: string[]): Promise<string> =>
    space.ok(['device', 'logs', '--once', '--from', 'PT1H', ...argv]);
  assert.equal(
    await show('--template', '{{.LogText | upper}} {{.LogSource | basename}}\\n', `${device.id}#app`),
    'FIRST pantavisor.log\n\nTHIRD pantavisor.log\n\n',
  );
  assert.match(await show(), /\(1\) .* app\(pantavisor\.log\): first\n.*second\n.*third\n$/);
  assert.deepEqual(
    (await show('--json'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg),
    ['first', 'second', 'third'],
  );
});

test('log in with name and password, ask who one is, log out', { timeout: 120_000 }, async (context) => {
  const world = await World.start({});
  context.after(() => world.stop());
  await world.person('pvrlogin');
  const space = makeWorkspace(context, { PVR_BASEURL: world.url });
  const person = { PVR_USERNAME: 'pvrlogin', PVR_PASSWORD: 'password' };
  const wrong = await space.run(['login'], '.', { ...person, PVR_PASSWORD: 'wrong' });
  assert.equal(wrong.code, 3);
  assert.match(await space.ok(['login'], '.', person), /LoggedIn Successfully!/);
  assert.match((await space.run(['whoami'])).err, /^pvrlogin\(prn:.*\) at http/);
  assert.equal(await space.ok(['device', 'ps', '--json']), '[]\n');
  await space.ok(['logout']);
  assert.match((await space.run(['whoami'])).err, /not logged in/);
  assert.match((await space.run(['device', 'ps'])).err, /nobody is there to ask/);
});

test('a device is claimed with the words that it shows', { timeout: 120_000 }, async (context) => {
  const world = await World.start({});
  context.after(() => world.stop());
  const owner = await world.person('pvrclaimer');
  const made = (await world.must('POST', '/devices/')) as unknown as { id: string; challenge: string };
  const space = makeWorkspace(context, { PVR_BASEURL: world.url, PVR_ACCESSTOKEN: owner.token });
  assert.equal((await space.run(['claim', '-c', 'wrong-words', made.id])).code, 4);
  await space.ok(['claim', '-c', made.challenge, `${world.url}/devices/${made.id}`]);
  assert.equal(JSON.parse(await space.ok(['device', 'get', '--json', made.id])).owner, owner.prn);
});
