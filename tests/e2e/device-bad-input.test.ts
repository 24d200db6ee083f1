/** Bad input is clear and harmless: one message with file and reason, the other containers run on, documented exit codes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { atEnd, temporaryDirectory } from '../harness/cleanup.ts';
import { type DeviceRun, TestDevice } from '../harness/device.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { probeContainer, type RevisionFiles, writeRevision } from '../harness/revision.ts';

const options = { skip: await skipWithoutContainers(), timeout: 240_000 };

/** A revision of two containers, to be spoilt. They have no recovery, and an exit of theirs would restart the device. */
async function twoContainers(t: TestContext): Promise<RevisionFiles> {
  const members = { group: 'platform' };
  return writeRevision(temporaryDirectory(t), [
    probeContainer('bad', ['init'], members),
    probeContainer('good', ['init'], members),
  ]);
}

/** Stores other content as an object and puts its id into the state. */
function replaceObject(revision: RevisionFiles, key: string, content: string | Buffer): string {
  const id = createHash('sha256').update(content).digest('hex');
  writeFileSync(join(revision.objects, id), content);
  editState(revision, (state) => {
    state[key] = id;
  });
  return id;
}

function editState(revision: RevisionFiles, edit: (state: Record<string, unknown>) => void): void {
  const state = JSON.parse(readFileSync(revision.state, 'utf8'));
  edit(state);
  writeFileSync(revision.state, JSON.stringify(state));
}

/** The container `bad` stays down and says why in one line; `good` runs. */
async function expectOnlyBadFails(device: TestDevice, run: DeviceRun, reason: RegExp): Promise<void> {
  const line = await run.line(/bad \w+ -> STOPPED/);
  assert.match(line, reason);
  await run.line(/good STARTING -> STARTED/);
  assert.equal((await device.container('bad')).status, 'STOPPED');
  assert.equal((await device.container('good')).status, 'STARTED');
  assert.equal((await run.stop()).code, 0);
  assert.deepEqual(device.traces(), []);
}

/** The program refuses to start with this code and message, and leaves nothing. */
async function expectRefusal(device: TestDevice, run: DeviceRun, code: number, message: RegExp): Promise<void> {
  assert.equal((await run.exited).code, code, run.lines.join('\n'));
  assert.match(run.lines.join('\n'), message);
  assert.deepEqual(device.traces(), []);
}

test('an object that is missing', options, async (t) => {
  const [device, revision] = [new TestDevice(t), await twoContainers(t)];
  const id = replaceObject(revision, 'bad/root.squashfs', 'to be lost');
  rmSync(join(revision.objects, id));
  await expectOnlyBadFails(device, device.start(revision), new RegExp(`cannot find bad/root.squashfs.*${id}`));
});

test('an object with a wrong checksum, given and on disk', options, async (t) => {
  const [device, revision] = [new TestDevice(t), await twoContainers(t)];
  const id = replaceObject(revision, 'bad/lxc.container.conf', 'right');
  writeFileSync(join(revision.objects, id), 'wrong');
  const first = device.start(revision);
  assert.match(await first.line(new RegExp(`cannot take object ${id}`)), /SHA-256/);
  await expectOnlyBadFails(device, first, /bad\/lxc.container.conf/);

  writeFileSync(join(device.storage, 'objects', id), 'right');
  const second = device.start();
  await second.line(/bad STARTING -> STOPPED/);
  await second.stop();
  writeFileSync(join(device.storage, 'objects', id), 'rotten');
  await expectOnlyBadFails(device, device.start(), /cannot trust bad\/lxc.container.conf: its SHA-256 is [0-9a-f]{64}/);
});

test('a squashfs that is corrupt', options, async (t) => {
  const [device, revision] = [new TestDevice(t), await twoContainers(t)];
  replaceObject(revision, 'bad/root.squashfs', Buffer.alloc(65_536, 7));
  await expectOnlyBadFails(device, device.start(revision), /cannot mount \S+bad\/root.squashfs as squashfs/);
});

test('an LXC configuration that is missing', options, async (t) => {
  const [device, revision] = [new TestDevice(t), await twoContainers(t)];
  editState(revision, (state) => {
    delete state['bad/lxc.container.conf'];
  });
  await expectOnlyBadFails(
    device,
    device.start(revision),
    /cannot read the LXC configuration \S+bad\/lxc.container.conf: it is missing/,
  );
});

test('an LXC configuration that LXC refuses', options, async (t) => {
  const [device, revision] = [new TestDevice(t), await twoContainers(t)];
  const text = readFileSync(join(revision.objects, revision.ids['bad/lxc.container.conf'] ?? ''), 'utf8');
  replaceObject(revision, 'bad/lxc.container.conf', `${text}lxc.nonsense = 1\n`);
  await expectOnlyBadFails(device, device.start(revision), /cannot start bad: .*lxc\.nonsense/);
});

test('a root file system without init', options, async (t) => {
  const [device, revision] = [new TestDevice(t), await twoContainers(t)];
  const text = readFileSync(join(revision.objects, revision.ids['bad/lxc.container.conf'] ?? ''), 'utf8');
  replaceObject(revision, 'bad/lxc.container.conf', text.replace(/lxc.init.cmd = .*/, 'lxc.init.cmd = /sbin/nothing'));
  await expectOnlyBadFails(
    device,
    device.start(revision),
    /cannot start bad: its init is \/sbin\/nothing, and .* has none/,
  );
});

test('a state that cannot be parsed, and one that is wrong in several places', options, async (t) => {
  const [device, revision] = [new TestDevice(t), await twoContainers(t)];
  writeFileSync(revision.state, '{"#spec": nonsense');
  await expectRefusal(device, device.start(revision), 65, new RegExp(`cannot use the state ${revision.state}`));
  const groups = { 'bad/run.json': { name: 'bad', group: 'nowhere', status_goal: 'SOON', type: 'lxc' } };
  writeFileSync(revision.state, JSON.stringify({ '#spec': 'pantavisor-service-system@1', ...groups }));
  await expectRefusal(device, device.start(revision), 65, /nowhere[\s\S]*SOON|SOON[\s\S]*nowhere/);
});

for (const name of ['../escape', 'a/b', '..', '.hidden/../x'])
  test(`a container named ${name}`, options, async (t) => {
    const [device, revision] = [new TestDevice(t), await twoContainers(t)];
    editState(revision, (state) => {
      (state['bad/run.json'] as { name: string }).name = name;
    });
    const shown = name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    await expectRefusal(device, device.start(revision), 65, new RegExp(shown));
  });

test('a revision that is not there, and arguments that are wrong', options, async (t) => {
  const device = new TestDevice(t);
  await expectRefusal(device, device.start(), 66, /cannot run revision 0: its state \S+ is missing/);
  await expectRefusal(
    device,
    device.start(undefined, ['--sotrage', 'x']),
    64,
    /cannot read the arguments: "--sotrage"/,
  );
  const missing = { state: '/nonexistent/state.json', objects: '/nonexistent' };
  await expectRefusal(device, device.start(missing), 66, /cannot read the state \/nonexistent\/state.json/);
});

test('a second runtime on the same storage is refused and names the pid of the first', options, async (t) => {
  const [device, revision] = [new TestDevice(t), await twoContainers(t)];
  const first = device.start(revision);
  await first.ready();
  const second = device.start();
  assert.equal((await second.exited).code, 75);
  assert.match(second.lines.join('\n'), new RegExp(`cannot use storage .*${first.pid}`));
  assert.equal((await device.container('good')).status, 'STARTED');
});

test('a socket path that is too long', options, async (t) => {
  const environment = { PV_SYSTEM_RUNDIR: `${temporaryDirectory(t)}/${'long'.repeat(30)}` };
  const [device, revision] = [new TestDevice(t, undefined, environment), await twoContainers(t)];
  await expectRefusal(device, device.start(revision), 78, /cannot make the control socket .* bytes/);
});

/** A small file system of its own, unmounted when the test ends. */
function smallDisk(t: TestContext): string {
  const directory = temporaryDirectory(t);
  const mountPoint = `${directory}/disk`;
  mkdirSync(mountPoint);
  execFileSync('truncate', ['-s', '8M', `${directory}/image`]);
  execFileSync('mkfs.ext4', ['-q', '-m', '0', '-O', '^has_journal', `${directory}/image`]);
  execFileSync('mount', ['-o', 'loop', `${directory}/image`, mountPoint]);
  atEnd(t, () => void execFileSync('umount', ['-l', mountPoint]));
  return mountPoint;
}

/** Fills a file system to the last byte, then gives some back. */
function fill(mountPoint: string, spare: number): void {
  const file = `${mountPoint}/filler`;
  assert.throws(() => writeFileSync(file, Buffer.alloc(16 * 1024 * 1024)), { code: 'ENOSPC' });
  truncateSync(file, statSync(file).size - spare);
}

test('storage on a read-only file system', options, async (t) => {
  const mountPoint = smallDisk(t);
  execFileSync('mount', ['-o', 'remount,ro', mountPoint]);
  const device = new TestDevice(t, `${mountPoint}/storage`);
  await expectRefusal(device, device.start(await twoContainers(t)), 73, /cannot use storage .*read-only/);
});

test('a full disk: nothing is installed; what was installed before runs', options, async (t) => {
  const mountPoint = smallDisk(t);
  const device = new TestDevice(t, `${mountPoint}/storage`);
  const revision = await twoContainers(t);
  fill(mountPoint, 300_000);
  assert.equal((await device.start(revision).exited).code, 74);
  assert.ok(!existsSync(`${device.storage}/trails/0`));
  assert.deepEqual(
    readdirSync(`${device.storage}/objects`).filter((name) => name.endsWith('.tmp')),
    [],
  );

  rmSync(`${mountPoint}/filler`);
  const run = device.start(revision);
  await run.ready();
  await run.stop();
  fill(mountPoint, 0);
  const again = device.start();
  await again.ready();
  assert.equal((await again.stop()).code, 0);
});
