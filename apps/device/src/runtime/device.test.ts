/** Whole devices on the simulated machine: the real program, ten containers, virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDevice, memoryRevision } from './testing/memory-device.ts';

const names = Array.from({ length: 10 }, (_, index) => `c${index}`);
const groups = [
  { name: 'first', status_goal: 'STARTED', restart_policy: 'system', timeout: 30 },
  { name: 'second', status_goal: 'STARTED', restart_policy: 'container', timeout: 30 },
];
const recovery = { policy: 'on-failure', max_retries: 3, retry_delay: 2, backoff_policy: 'never' };

/** Ten containers in two groups; further members of run.json by name. */
const ten =
  (runs: Record<string, Record<string, unknown>> = {}) =>
  (host: Parameters<typeof memoryRevision>[0]) =>
    memoryRevision(
      host,
      names.map((name, index) => ({ name, run: { group: index < 5 ? 'first' : 'second', ...runs[name] } })),
      { 'groups.json': groups },
    );

const everyone = (status: string) => Object.fromEntries(names.map((name) => [name, status]));

/** What a device must not leave on a machine. */
async function leftovers({ host }: MemoryDevice): Promise<unknown[]> {
  const mounts = (await host.mounts.list()).filter(({ target }) => target.startsWith('/run/pantavisor'));
  const { containers, controlGroups, bridges } = host.machine;
  const base = (await host.files.list('/run/pantavisor')).filter(({ name }) => name !== 'bridges');
  return [...mounts, ...containers.keys(), ...controlGroups, ...bridges.keys(), ...base];
}

test('ten containers boot group by group, and stop in the opposite order without a trace', {
  timeout: 20_000,
}, async () => {
  const device = await MemoryDevice.install(ten());
  await device.ready();
  assert.deepEqual(await device.statuses(), everyone('STARTED'));
  const lastOfFirst = device.output.lastIndexOf('c4 STARTING -> STARTED');
  assert.ok(lastOfFirst > 0 && device.output.indexOf('c5 INSTALLED') > 0);
  assert.ok(lastOfFirst < device.output.indexOf('c5 MOUNTED -> STARTING'));
  assert.equal(await device.stop(), 0);
  assert.ok(device.output.indexOf('c9 STOPPING -> STOPPED') < device.output.indexOf('c0 STARTED -> STOPPING'));
  assert.deepEqual(await leftovers(device), []);
});

test('containers start side by side: ten take no longer than one', { timeout: 20_000 }, async () => {
  const containers = Object.fromEntries(names.map((name) => [name, { startTakes: 1000 }]));
  const runs = Object.fromEntries(names.map((name) => [name, { group: 'second' }]));
  const device = await MemoryDevice.install(ten(runs), { containers });
  await device.ready();
  assert.ok(device.host.clock.monotonic() < 2000, String(device.host.clock.monotonic()));
});

test('a crash is recovered by its policy, and given up by it', { timeout: 20_000 }, async () => {
  const device = await MemoryDevice.install(ten({ c7: { auto_recovery: recovery }, c8: { auto_recovery: recovery } }), {
    containers: {
      c7: ({ run }) => (run <= 2 ? { endsAfter: 100, exit: { kind: 'code', code: 1 } } : {}),
      c8: { endsAfter: 100, exit: { kind: 'signal', signal: 'SIGSEGV' } },
    },
  });
  await device.line(/c8 used up its 3 retries/);
  const statuses = await device.statuses();
  assert.equal(statuses.c7, 'STARTED');
  assert.equal(statuses.c8, 'STOPPED');
  assert.match(device.output, /c8 STARTED -> STOPPED: c8 ended by itself: signal SIGSEGV/);
  assert.equal(await device.stop(), 0);
  assert.deepEqual(await leftovers(device), []);
});

test('a crash that nothing recovers restarts the device', { timeout: 20_000 }, async () => {
  const exit = { kind: 'code', code: 4 } as const;
  const device = await MemoryDevice.install(ten(), { containers: { c1: { endsAfter: 5000, exit } } });
  assert.equal(await device.host.runFor(device.exited), 0);
  assert.match(device.output, /c1 ended .*code 4.* nothing recovers it/);
  assert.deepEqual(await leftovers(device), []);
});

test('READY comes from the container itself, and only from one that may', { timeout: 20_000 }, async () => {
  const device = await MemoryDevice.install(ten({ c3: { status_goal: 'READY' } }));
  await device.line(/c3 STARTING -> STARTED/);
  const signal = (pid: number) =>
    device.request('POST', '/signal', '{"type":"ready","payload":""}', { pid, uid: 0, gid: 0 });
  const pidOf = (name: string) =>
    [...device.host.machine.containers.values()].find((container) => container.name === name)?.initPid ?? 0;
  assert.equal((await signal(pidOf('c2'))).status, 500);
  assert.equal((await signal(device.host.system.pid)).status, 500);
  assert.ok(!device.output.includes('ready socket='));
  assert.equal((await signal(pidOf('c3'))).status, 200);
  await device.ready();
  assert.equal((await device.statuses()).c3, 'READY');
});

test('stop, start and restart by request; a stopped container stays stopped over a restart of the runtime', async () => {
  const device = await MemoryDevice.install(ten());
  await device.ready();
  const ask = async (name: string, action: string) =>
    (await device.request('PUT', `/containers/${name}`, JSON.stringify({ action }))).status;
  assert.equal(await ask('c6', 'stop'), 200);
  assert.equal(await ask('c7', 'restart'), 200);
  assert.equal(await ask('c0', 'stop'), 403);
  await device.line(/c6 STOPPING -> STOPPED/);
  await device.line(/c7 STOPPED -> INSTALLED[\s\S]*c7 STARTING -> STARTED/);
  const next = device.restart();
  await next.ready();
  assert.equal((await next.statuses()).c6, 'STOPPED');
  assert.equal((await next.request('PUT', '/containers/c6', '{"action":"start"}')).status, 200);
  await next.line(/c6 STARTING -> STARTED/);
  assert.equal(await next.stop('SIGINT'), 3);
  assert.deepEqual(await leftovers(next), []);
});

test('a killed runtime is followed by one that takes everything over', { timeout: 20_000 }, async () => {
  const device = await MemoryDevice.install(ten());
  await device.ready();
  const inits = () =>
    [...device.host.machine.containers.values()].map(({ name, initPid }) => `${name} ${initPid}`).sort();
  const before = inits();
  const mounts = (await device.host.mounts.list()).length;
  const next = device.restart();
  await next.ready();
  assert.deepEqual(inits(), before);
  assert.equal((await next.host.mounts.list()).length, mounts);
  assert.equal(await next.stop(), 0);
  assert.deepEqual(await leftovers(next), []);
});

test('a running container that the revision does not have any more is ended, not taken over', {
  timeout: 20_000,
}, async () => {
  const device = await MemoryDevice.install(ten());
  await device.ready();
  const path = '/data/trails/0/.pvr/json';
  const state = JSON.parse(await device.host.files.readText(path));
  for (const key of Object.keys(state)) if (key.startsWith('c9/')) delete state[key];
  await device.host.files.write(path, JSON.stringify(state));
  const next = device.restart();
  await next.ready();
  assert.match(next.output, /ending c9, which runs and is not part of the revision/);
  const running = [...next.host.machine.containers.values()].map(({ name }) => name);
  assert.deepEqual(running.sort(), names.slice(0, 9));
  assert.equal(await next.stop(), 0);
  assert.deepEqual(await leftovers(next), []);
});

test('the power goes at any time: the device comes up again with all containers', { timeout: 60_000 }, async () => {
  for (const seed of [1, 2, 3]) {
    const device = await MemoryDevice.install(ten());
    await device.ready();
    await device.host.advance(seed * 1000);
    const next = device.powerCut(seed);
    await next.ready();
    assert.deepEqual(await next.statuses(), everyone('STARTED'));
    assert.equal(await next.stop(), 0);
  }
});

test('a container that cannot be mounted or started leaves the others running', { timeout: 20_000 }, async () => {
  const device = await MemoryDevice.install(
    (host) =>
      memoryRevision(host, [
        { name: 'corrupt', image: 'no image' },
        { name: 'bare', config: null },
        { name: 'refused' },
        { name: 'good' },
      ]),
    { containers: { refused: { fails: 'unknown key lxc.nonsense' } } },
  );
  await device.line(/good STARTING -> STARTED/);
  for (const pattern of [
    /corrupt \w+ -> STOPPED: cannot mount \S+\/corrupt\/root.squashfs as squashfs/,
    /bare \w+ -> STOPPED: cannot read the LXC configuration \S+bare\/lxc.container.conf: it is missing/,
    /refused \w+ -> STOPPED: cannot start refused: .*lxc.nonsense/,
  ])
    await device.line(pattern);
  assert.equal((await device.statuses()).good, 'STARTED');
  assert.equal(await device.stop(), 0);
  assert.deepEqual(await leftovers(device), []);
});

test('an idle device has no timer running', { timeout: 20_000 }, async () => {
  const device = await MemoryDevice.install(ten());
  await device.ready();
  await device.host.settle();
  const before = device.host.clock.monotonic();
  assert.ok(await device.host.runUntilIdle(24 * 3_600_000));
  assert.ok(device.host.clock.monotonic() - before < 60_000, 'nothing is armed once all is quiet');
});
