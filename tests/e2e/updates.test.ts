/** Updates for real: good ones, bad ones of each kind, and what a device leaves behind after many. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ContainerRecipe } from '../../containers/src/recipe.ts';
import { atEnd, temporaryDirectory } from '../harness/cleanup.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { probeContainer, slowReadyContainer } from '../harness/revision.ts';
import { seededRandom } from '../harness/seeded-random.ts';
import { UpdateDevice } from '../harness/update-device.ts';

const options = { skip: await skipWithoutContainers(), timeout: 90_000 };
/** Rounds of the test that kills the runtime; each takes one to three seconds. `npm run test:small` takes more of them. */
const kills = Number(process.env.UPDATE_KILLS ?? 25);
const pvcontrol = fileURLToPath(new URL('../../apps/device-tools/bin/pvcontrol', import.meta.url));
const run = promisify(execFile);

/** The container `web` of some version, and another one that never changes. */
const withWeb = (version: string, more: Partial<ContainerRecipe> = {}): ContainerRecipe[] => [
  probeContainer('web', ['init'], { config: { '/etc/version': version }, ...more }),
  probeContainer('db'),
];

async function pids(device: UpdateDevice): Promise<Record<string, number | null>> {
  return Object.fromEntries((await device.device.containers()).map(({ name, pid }) => [name, pid]));
}

test(
  'pvcontrol installs and runs an update in place: the others keep their init; a reboot makes it the rollback point',
  options,
  async (t) => {
    const device = await UpdateDevice.install(t, withWeb('1'));
    const before = await pids(device);
    const files = await device.build('locals/next', withWeb('2'));
    const control = async (...words: string[]) => (await run(pvcontrol, ['-s', device.device.socket, ...words])).stdout;
    for (const id of new Set(Object.values(files.ids))) await control('objects', 'put', `${files.objects}/${id}`, id);
    await control('-m', 'second version', 'steps', 'put', files.state, 'locals/next');
    assert.match(await control('objects', 'ls'), new RegExp(Object.values(files.ids)[0] ?? 'none'));
    await control('cmd', 'run', 'locals/next');
    await device.ended('locals/next');
    const steps: { name: string; commitmsg: string; progress: { status: string } }[] = JSON.parse(
      await control('--json', 'steps', 'ls'),
    );
    const next = steps.find(({ name }) => name === 'locals/next');
    assert.deepEqual([next?.commitmsg, next?.progress.status], ['second version', 'UPDATED']);
    const after = await pids(device);
    assert.equal(after.db, before.db);
    assert.notEqual(after.web, before.web);
    assert.equal(readlinkSync(`${device.device.storage}/trails/current`), 'locals/next');
    await control('cmd', 'reboot', 'test');
    await device.run.exited;
    assert.equal(await device.rest('locals/next'), 1);
    assert.equal(device.progress('locals/next').status, 'DONE');
    assert.equal(device.progress('locals/next')['status-msg'], 'Update finished, revision set as rollback point');
    assert.match(await control('storage', 'gc'), /freed|reclaimed/);
  },
);

test(
  'an update by reboot through a launcher becomes the rollback point; one that fails goes back',
  options,
  async (t) => {
    const device = await UpdateDevice.install(t, withWeb('1'), { starter: 'launcher' });
    await device.store('locals/good', withWeb('2'), { 'bsp/extra.json': { changed: true } });
    assert.equal(await device.command('LOCAL_RUN', 'locals/good'), 200);
    assert.equal(await device.rest('locals/good'), 1);
    assert.match(device.device.log(), /reboot because bsp\/extra.json/);
    assert.equal(device.progress('locals/good').status, 'DONE');
    await device.store('locals/bad', [probeContainer('web', ['crash', '3']), probeContainer('db')]);
    assert.equal(await device.command('LOCAL_RUN_COMMIT', 'locals/bad'), 200);
    assert.equal(await device.rest('locals/bad'), 2);
    assert.deepEqual(failure(device, 'locals/bad'), ['ERROR', 'A container could not be started']);
    assert.equal(current(device), 'locals/good');
  },
);

const current = (device: UpdateDevice) => readlinkSync(`${device.device.storage}/trails/current`);
const failure = (device: UpdateDevice, name: string) => {
  const { status, 'status-msg': message } = device.progress(name);
  return [status, message];
};
const recovery = {
  policy: 'always',
  max_retries: 2,
  retry_delay: 1,
  stable_timeout: 3,
  backoff_policy: 'reboot',
} as const;

interface Bad {
  what: string;
  web: ContainerRecipe;
  message: string;
  reason: string;
  /** Spoils what was uploaded. */
  damage?(device: UpdateDevice, ids: Record<string, string>): void;
}
const bad: Bad[] = [
  {
    what: 'ends by itself',
    web: probeContainer('web', ['crash', '3']),
    message: 'A container could not be started',
    reason: 'container-exited',
  },
  {
    what: 'never says that it is ready',
    web: { ...slowReadyContainer(3600), name: 'web', statusGoal: 'READY' },
    message: 'Status goal not reached',
    reason: 'goal-timed-out',
  },
  {
    what: 'crashes again and again',
    web: probeContainer('web', ['crash', '3'], { autoRecovery: recovery }),
    message: 'A container could not be started',
    reason: 'retries-exhausted',
  },
  {
    what: 'has no init',
    web: probeContainer('web', ['init'], { init: ['/sbin/nothing'] }),
    message: 'A container could not be started',
    reason: 'container-not-startable',
  },
  {
    what: 'fails its checksum',
    web: probeContainer('web', ['init'], { config: { '/etc/version': 'damaged' } }),
    message: 'Object validation went wrong',
    reason: 'object-digest',
    damage: (device, ids) =>
      writeFileSync(`${device.device.storage}/objects/${ids['_config/web/etc/version']}`, 'something else'),
  },
];

for (const { what, web, message, reason, damage } of bad) {
  test(`rollback from a container that ${what}`, options, async (t) => {
    const device = await UpdateDevice.install(t, withWeb('1'));
    const { ids } = await device.store('locals/bad', [web, probeContainer('db')]);
    damage?.(device, ids);
    assert.equal(await device.command('LOCAL_RUN', 'locals/bad'), 200);
    await device.rest('locals/bad');
    assert.deepEqual(failure(device, 'locals/bad'), ['ERROR', message]);
    assert.ok(device.reasons('locals/bad').includes(reason), device.reasons('locals/bad').join());
    assert.equal(current(device), '0');
    const statuses = (await device.device.containers()).map(({ name, status }) => `${name} ${status}`);
    assert.deepEqual(statuses.sort(), ['db STARTED', 'web STARTED']);
    assert.deepEqual(await device.run.stop(), { code: 0, signal: null });
    assert.deepEqual(device.device.traces(), []);
  });
}

test('kill -9 of the runtime at any moment of an update: the next one ends it, and nothing is there twice', {
  ...options,
  timeout: 20_000 * kills,
}, async (t) => {
  const device = await UpdateDevice.install(t, withWeb('1'));
  await device.store('locals/a', withWeb('a'));
  await device.store('locals/b', withWeb('b'));
  const random = seededRandom(20_261);
  for (let round = 0; round < kills; round += 1) {
    const name = current(device) === 'locals/a' ? 'locals/b' : 'locals/a';
    const op = round % 3 === 2 ? 'LOCAL_RUN_COMMIT' : 'LOCAL_RUN';
    const where = `round ${round}, ${op} ${name}`;
    const from = device.run.lines.length;
    assert.equal(await device.command(op, name), 200, where);
    // Any line that the runtime writes on its way is a moment; the last one may not come.
    const moment = Math.floor(random() * 14);
    await Promise.race([
      device.run.lineCount(from + moment),
      device.ended(name, from).catch(() => ''),
      device.run.exited,
    ]);
    device.run.signal('SIGKILL');
    await device.rest(name);
    const { status } = device.progress(name);
    assert.ok(['NEW', 'UPDATED', 'DONE', 'ERROR'].includes(status), `${where}: ${status}`);
    const isThere = status === 'UPDATED' || status === 'DONE';
    if (!isThere) assert.notEqual(current(device), name, `${where}: ${status}`);
    const statuses = (await device.device.containers()).map((container) => `${container.name} ${container.status}`);
    assert.deepEqual(statuses.sort(), ['db STARTED', 'web STARTED'], where);
  }
  await device.run.stop();
  assert.deepEqual(device.device.traces(), []);
});

test('a hundred updates in a row leave no more mounts, loop devices, files, descriptors and memory behind than a few', {
  ...options,
  timeout: 1_000_000,
}, async (t) => {
  const device = await UpdateDevice.install(t, withWeb('1'), { commitDelay: 0 });
  const update = async (round: number) => {
    const name = `locals/r${round}`;
    const from = device.run.lines.length;
    await device.store(name, withWeb(String(round)));
    assert.equal(await device.command('LOCAL_RUN', name), 200);
    await device.ended(name, from);
    assert.equal(device.progress(name).status, 'UPDATED');
    assert.equal((await device.device.request('POST', '/storage/gc')).status, 200);
  };
  const count = () => ({
    traces: device.device.traces().length,
    files: filesBelow(device.device.storage).length,
    descriptors: readdirSync(`/proc/${device.run.pid}/fd`).length,
    records: readdirSync(`${device.device.base}/records`).length,
  });
  for (let round = 0; round < 20; round += 1) await update(round);
  const [before, { db }, memory] = [count(), await pids(device), residentMemory(device.run.pid)];
  for (let round = 20; round < 100; round += 1) await update(round);
  assert.deepEqual(count(), before);
  assert.equal((await pids(device)).db, db);
  const grown = residentMemory(device.run.pid) - memory;
  assert.ok(grown < 16 * 1024, `80 updates took ${grown} kB`);
});

/** Kilobytes that a process holds (proc_pid_status(5)). */
const residentMemory = (pid: number) =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Paths of all files, without logs, which are kept of each revision that is. */
const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => !path.startsWith('logs/'));

test('a full disk ends an update with its reason, and the device runs on', options, async (t) => {
  const work = temporaryDirectory(t);
  const image = `${work}/disk.img`;
  writeFileSync(image, '');
  truncateSync(image, 24 * 1024 * 1024);
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
  mkdirSync(`${work}/disk`);
  execFileSync('mount', ['-o', 'loop', image, `${work}/disk`]);
  atEnd(t, () => void execFileSync('umount', [`${work}/disk`]));
  const device = await UpdateDevice.install(t, withWeb('1'), { storage: `${work}/disk/storage` });
  await device.store('locals/next', withWeb('2'));
  const big = Buffer.alloc(64 * 1024 * 1024);
  const refused = await device.device.request('PUT', `/objects/${'0'.repeat(64)}`, big);
  assert.equal(refused.status, 507);
  assert.match(refused.body, /Not enough disk space available/);
  const filler = `${work}/disk/filler`;
  fill(filler);
  const before = await pids(device);
  assert.equal(await device.command('LOCAL_RUN', 'locals/next'), 200);
  await device.ended('locals/next');
  assert.ok(device.run.lines.some((line) => /cannot .*ENOSPC/.test(line)));
  assert.deepEqual(await pids(device), before);
  rmSync(filler);
  // What could not be stored is stored first; a request that comes before that only asks for it.
  for (let asked = 0; current(device) !== 'locals/next'; asked += 1) {
    assert.ok(asked < 100);
    const from = device.run.lines.length;
    const status = await device.command('LOCAL_RUN', 'locals/next');
    if (status === 503) continue;
    assert.equal(status, 200);
    await device.run.line(/the update to locals\/next has ended|cannot update to locals\/next/, from);
  }
  assert.equal(device.progress('locals/next').status, 'UPDATED');
  await device.run.stop();
});

/** Takes all that is free. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (const size of [1024 * 1024, 4096, 512]) {
      const piece = Buffer.alloc(size, 1);
      try {
        for (;;) writeSync(file, piece);
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      }
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

test('a disk that gives errors loses nothing that was acknowledged, and the device runs on', options, async (t) => {
  const work = temporaryDirectory(t);
  // A disk in a file of another disk: while that file is immutable, the kernel answers EIO to every write.
  const [outer, below, image, disk] = [`${work}/outer.img`, `${work}/below`, `${work}/below/disk.img`, `${work}/disk`];
  const mountImage = (from: string, to: string) => execFileSync('mount', ['-o', 'loop,errors=continue', from, to]);
  for (const [file, size, directory] of [
    [outer, 128, below],
    [image, 64, disk],
  ] as const) {
    mkdirSync(directory);
    writeFileSync(file, '');
    truncateSync(file, size * 1024 * 1024);
    execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', file]);
    mountImage(file, directory);
    atEnd(t, () => void spawnSync('umount', [directory]));
  }
  atEnd(t, () => void spawnSync('chattr', ['-i', image]));
  const device = await UpdateDevice.install(t, withWeb('1'), { storage: `${disk}/storage` });
  await device.store('locals/next', withWeb('2'));
  const stored = readdirSync(`${disk}/storage/objects`);
  const before = await pids(device);
  execFileSync('sync', ['-f', disk]);
  execFileSync('chattr', ['+i', image]);

  const content = randomBytes(16 * 1024 * 1024);
  const id = createHash('sha256').update(content).digest('hex');
  const refused = await device.device.request('PUT', `/objects/${id}`, content);
  assert.equal(refused.status, 500, refused.body);
  await device.run.line(/cannot .*EIO/);
  assert.deepEqual(readdirSync(`${disk}/storage/objects`), stored);
  const from = device.run.lines.length;
  await device.command('LOCAL_RUN', 'locals/next');
  await device.run.line(/the update to locals\/next has ended|cannot update to locals\/next/, from);
  assert.deepEqual(await pids(device), before);
  await device.run.stop();

  execFileSync('umount', [disk]);
  execFileSync('chattr', ['-i', image]);
  const { status: repaired } = spawnSync('e2fsck', ['-f', '-y', image], { stdio: 'ignore' });
  assert.ok((repaired ?? 8) < 4, `e2fsck: ${repaired}`);
  mountImage(image, disk);
  device.startAgain();
  await device.run.ready();
  assert.equal((await device.device.request('PUT', `/objects/${id}`, content)).status, 200);
  await device.store('locals/again', withWeb('3'));
  assert.equal(await device.command('LOCAL_RUN', 'locals/again'), 200);
  await device.ended('locals/again');
  assert.equal(device.progress('locals/again').status, 'UPDATED');
  await device.run.stop();
});
