/** Clients of the control socket that ask at the same moment: each is answered, and what the device is afterwards is one of their wishes, whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpdateDevice, versioned } from '../updates/testing/update-device.ts';

type Call = readonly [method: string, target: string, body?: string];

/** Sends all at once; the statuses in the order of the calls. */
async function together({ device }: UpdateDevice, calls: readonly Call[]): Promise<number[]> {
  const socket = await device.socketPath();
  const { host } = device;
  const answers = calls.map(([method, target, body = '']) =>
    host.request(socket, { method, target, headers: { host: 'localhost', 'content-length': `${body.length}` }, body }),
  );
  return (await host.runFor(Promise.all(answers))).map((answer) => answer?.status ?? 0);
}

const install = () => UpdateDevice.install([versioned('web', 1), versioned('db', 1)]);
const command = (op: string, payload = ''): Call => ['POST', '/commands', JSON.stringify({ op, payload })];

test('of two revisions that are asked for at once, one of them twice, one is run, once, and the others are told to come later', async () => {
  const updated = await install();
  for (const name of ['locals/a', 'locals/b'])
    await updated.store(name, [versioned('web', name === 'locals/a' ? 2 : 3), versioned('db', 1)]);
  const statuses = await together(updated, [
    command('LOCAL_RUN', 'locals/a'),
    command('LOCAL_RUN', 'locals/b'),
    command('LOCAL_RUN', 'locals/a'),
  ]);
  assert.deepEqual(statuses, [200, 503, 503]);
  await updated.host.runUntil(async () => {
    const { body } = await updated.device.request('GET', '/steps/locals/a/progress');
    return /"status":"(DONE|UPDATED)"/.test(body);
  });
  assert.match((await updated.device.request('GET', '/device-meta')).body, /"pantavisor.revision":"locals\/a"/);
  assert.equal(updated.device.output.match(/the update to locals\/a has ended/g)?.length, 1);
  assert.equal(updated.host.machine.starts.get('web'), 2, 'once at first, and once anew');
  assert.equal(await updated.statusOf('locals/b'), 'NEW');
});

test('one command at a time; the next is taken as soon as it is done', async () => {
  const updated = await install();
  const statuses = await together(updated, Array<Call>(20).fill(command('RUN_GC')));
  assert.equal(statuses.filter((status) => status === 200).length, 1);
  assert.ok(statuses.every((status) => status === 200 || status === 503));
  assert.deepEqual(await together(updated, [command('RUN_GC')]), [200]);
});

test('collecting garbage by many at once, while objects come in, loses none of them', async () => {
  const updated = await install();
  const contents = Array.from({ length: 10 }, (_, index) => `object ${index}`);
  const puts = contents.map((content): Call => ['PUT', `/objects/${updated.host.hashing.sha256(content)}`, content]);
  const mixed = puts.flatMap((put): Call[] => [put, ['POST', '/storage/gc']]);
  assert.deepEqual(new Set(await together(updated, mixed)), new Set([200]));
  assert.deepEqual(new Set(await together(updated, puts)), new Set([200]));
  const { body } = await updated.device.request('GET', '/objects');
  for (const content of contents) assert.ok(body.includes(updated.host.hashing.sha256(content)), content);
});

test('start, stop and restart of one container at once end where one of them leads', async () => {
  const updated = await install();
  const act = (action: string): Call => ['PUT', '/containers/web', JSON.stringify({ action })];
  for (const order of [
    ['stop', 'start', 'restart', 'stop'],
    ['restart', 'stop', 'restart', 'start'],
  ]) {
    const statuses = await together(updated, order.map(act));
    assert.ok(
      statuses.every((status) => status === 200 || status === 400),
      String(statuses),
    );
    await updated.host.runUntilIdle(60_000);
    const { body } = await updated.device.request('GET', '/containers');
    const web = JSON.parse(body).find(({ name }: { name: string }) => name === 'web');
    assert.equal(web.status, web.user_stopped === 'true' ? 'STOPPED' : 'STARTED', order.join());
    assert.equal((await updated.device.statuses()).db, 'STARTED');
    await together(updated, [act('start')]);
    await updated.host.runUntilIdle(60_000);
  }
});

test('metadata set and deleted by many at once: what is shown is what is kept, and what containers see', async () => {
  const updated = await install();
  for (const kind of ['user-meta', 'device-meta'] as const) {
    const calls = Array.from({ length: 60 }, (_, index): Call => {
      const target = `/${kind}/web.key${index % 6}`;
      return index % 5 === 4 ? ['DELETE', target] : ['PUT', target, `value ${index}`];
    });
    const statuses = await together(updated, calls);
    assert.ok(statuses.every((status, index) => status === 200 || (index % 5 === 4 && status === 404)));
    const shown: Record<string, string> = JSON.parse((await updated.device.request('GET', `/${kind}`)).body);
    const { files } = updated.host;
    const directory = `/data/cache/${kind === 'user-meta' ? 'usrmeta' : 'devmeta'}`;
    const kept: Record<string, string> = {};
    for (const { name } of await files.list(directory)) kept[name] = await files.readText(`${directory}/${name}`);
    const ours = Object.fromEntries(Object.entries(shown).filter(([key]) => key.startsWith('web.')));
    assert.deepEqual(ours, kept);
    assert.ok(Object.keys(ours).length > 0);
    const run = (await updated.device.socketPath()).replace(/\/pv-ctrl$/, '');
    for (const [key, value] of Object.entries(ours))
      assert.equal(await files.readText(`${run}/${kind}.web/${key.slice(4)}`), value);
  }
});

test('daemons started and stopped by many at once are one process or none', async () => {
  const updated = await install();
  const act = (action: string): Call => ['PUT', '/daemons/pv-xconnect', JSON.stringify({ action })];
  const statuses = await together(updated, ['start', 'stop', 'start', 'stop', 'start'].map(act));
  assert.deepEqual(new Set(statuses), new Set([200]));
  const { body } = await updated.device.request('GET', '/daemons');
  assert.match(body, /"name":"pv-xconnect","pid":(0|-1|\d+),"respawn":(true|false)/);
});
