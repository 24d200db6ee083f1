/** The main job, for real: a revision in LXC containers, seen from inside and outside, and gone without a trace. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { TestDevice } from '../harness/device.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { until } from '../harness/files.ts';
import { watchMachine } from '../harness/machine.ts';
import { probeContainer, slowReadyContainer, writeRevision } from '../harness/revision.ts';

const options = { skip: await skipWithoutContainers(), timeout: 240_000 };

/** Runs a shell command inside a container, in its control groups. */
function inside(device: TestDevice, name: string, command: string): string {
  const argv = ['-n', name, '-P', `${device.base}/lxc`, '--', '/bin/sh', '-c', command];
  return execFileSync('lxc-attach', argv, { encoding: 'utf8' });
}

test('a revision starts, meets its goals, and leaves nothing behind; twice in a row', options, async (t) => {
  const device = new TestDevice(t);
  const newTraces = watchMachine(device.id);
  const revision = await writeRevision(temporaryDirectory(t), [
    probeContainer('a'),
    probeContainer('b'),
    slowReadyContainer(0),
  ]);
  for (const installs of [true, false]) {
    const run = device.start(installs ? revision : undefined);
    assert.equal(await run.ready(), device.socket);
    const statuses = Object.fromEntries((await device.containers()).map(({ name, status }) => [name, status]));
    assert.deepEqual(statuses, { a: 'STARTED', b: 'STARTED', 'slow-ready': 'READY' });
    // It says so a moment after it has told the device.
    const said = `${device.storage}/logs/0/slow-ready/lxc/console.log`;
    await until(device.storage, () => /slow-ready: ready/.test(readFileSync(said, 'utf8')));
    assert.deepEqual(await run.stop(), { code: 0, signal: null });
    assert.deepEqual(device.traces(), []);
    assert.deepEqual(newTraces(), []);
  }
  assert.equal(readlinkSync(`${device.storage}/trails/current`), '0');
  assert.ok(existsSync(`${device.storage}/logs/0/a/lxc/lxc.log`));
  assert.match(device.log(), /\[containers\]: a STARTING -> STARTED/);
});

test('containers see /pantavisor by their role, their configuration layer, and their volumes', options, async (t) => {
  const device = new TestDevice(t);
  const volumes = { '/var/lib/keep': 'permanent', '/var/lib/rev': 'revision' } as const;
  const revision = await writeRevision(temporaryDirectory(t), [
    probeContainer('manager', ['init'], { role: 'mgmt' }),
    probeContainer('plain', ['init'], { volumes, config: { '/etc/greeting': 'hello' } }),
  ]);
  await device.start(revision).ready();

  assert.equal(inside(device, 'plain', 'ls /pantavisor').trim(), 'device-meta\nlogs\npv-ctrl\npv-ctrl-log\nuser-meta');
  assert.match(inside(device, 'manager', 'ls /pantavisor/logs'), /^0$/m);
  assert.match(inside(device, 'plain', 'ls /pantavisor/logs'), /lxc/);
  for (const name of ['plain', 'manager'])
    assert.match(inside(device, name, 'touch /pantavisor/x 2>&1 || true'), /Read-only/, name);
  assert.equal(inside(device, 'plain', 'cat /etc/greeting'), 'hello');
  inside(device, 'plain', 'echo 1 > /var/lib/keep/file; echo 2 > /var/lib/rev/file');
  assert.equal(readFileSync(`${device.storage}/disks/perm/plain/docker--var-lib-keep/file`, 'utf8'), '1\n');
  assert.equal(readFileSync(`${device.storage}/disks/rev/0/plain/docker--var-lib-rev/file`, 'utf8'), '2\n');
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const images = mounts.filter((line) => line.includes(device.base) && line.includes('squashfs'));
  assert.equal(images.length, 2);
  for (const line of images) assert.match(line, / ro[, ]/);
});

test('init gets its arguments as they were written, and its group in the variable container', options, async (t) => {
  const device = new TestDevice(t);
  const { rootfs } = slowReadyContainer();
  const words = ['', 'a b', "it's", '100%', 'ünï'];
  const script = `trap 'exit 0' PWR
for word; do echo "[$word]"; done > /run/words
echo "$container" >> /run/words
pv-request POST /signal '{"type":"ready","payload":""}'
while :; do sleep 86400 & wait $!; done
`;
  const init = ['/bin/sh', '/start.sh', ...words];
  const more = { init, rootfs, config: { '/start.sh': script }, group: 'root', statusGoal: 'READY' } as const;
  const revision = await writeRevision(temporaryDirectory(t), [probeContainer('a', ['init'], { ...more, init })]);
  await device.start(revision).ready();
  assert.equal(inside(device, 'a', 'cat /run/words'), `${words.map((word) => `[${word}]`).join('\n')}\npv-root\n`);
});

test('callers are known by their control group', options, async (t) => {
  const device = new TestDevice(t);
  const { rootfs } = slowReadyContainer();
  const request = (name: string, path: string) =>
    inside(device, name, `PATH=$PATH:/usr/bin pv-request GET ${path} 2>&1 || true`);
  const revision = await writeRevision(temporaryDirectory(t), [
    probeContainer('manager', ['init'], {
      role: 'mgmt',
      rootfs,
      init: ['/usr/bin/init'],
      environment: { WARM_UP: '86400' },
    }),
    probeContainer('plain', ['init'], { rootfs, init: ['/usr/bin/init'], environment: { WARM_UP: '86400' } }),
  ]);
  await device.start(revision).ready();
  assert.match(request('manager', '/containers'), /"name":"plain"/);
  assert.match(request('plain', '/containers'), /403/);
  assert.equal((await device.request('GET', '/containers')).status, 200);
});

test(
  'SIGINT powers off with code 3, and a container that ignores every signal is killed in time',
  options,
  async (t) => {
    const device = new TestDevice(t);
    const revision = await writeRevision(temporaryDirectory(t), [probeContainer('deaf', ['stubborn'])]);
    const run = device.start(revision);
    await run.ready();
    run.signal('SIGINT');
    assert.equal((await run.exited).code, 3);
    assert.deepEqual(device.traces(), []);
  },
);

test('exports of a container are seen outside while it runs', options, async (t) => {
  const device = new TestDevice(t);
  const runJson = { exports: ['/shared'] };
  const config = { '/shared/.keep': '' };
  const revision = await writeRevision(temporaryDirectory(t), [probeContainer('giver', ['init'], { runJson, config })]);
  const run = device.start(revision);
  await run.ready();
  inside(device, 'giver', 'echo here > /shared/file');
  assert.equal(readFileSync(`${device.base}/exports/giver/shared/file`, 'utf8'), 'here\n');
  await run.stop();
  assert.deepEqual(device.traces(), []);
});

test('two devices run the same revision on one machine without meeting', options, async (t) => {
  const revision = await writeRevision(temporaryDirectory(t), [probeContainer('same')]);
  const devices = [new TestDevice(t), new TestDevice(t)];
  const runs = devices.map((device) => device.start(revision));
  await Promise.all(runs.map((run) => run.ready()));
  const pids = await Promise.all(devices.map(async (device) => (await device.container('same')).pid));
  assert.notEqual(pids[0], pids[1]);
  await runs[0]?.stop();
  assert.deepEqual(devices[0]?.traces(), []);
  assert.equal((await devices[1]?.container('same'))?.status, 'STARTED');
});
