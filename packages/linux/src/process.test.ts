import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  listChildren,
  openProcess,
  processInfo,
  reapOrphans,
  reapPid,
  reapProcess,
  setChildSubreaper,
  signalProcess,
  spawnProcess,
} from './process.ts';
import { waitReadable } from './socket.ts';

const timeout = 30_000;
const shell = (script: string) => spawnProcess('/bin/sh', ['sh', '-c', script], { PATH: process.env.PATH });

async function endOf({ descriptor }: { descriptor: number }) {
  await waitReadable(descriptor);
  const exit = reapProcess(descriptor);
  closeSync(descriptor);
  return exit;
}

describe('a process by descriptor', () => {
  it('ends with a code', { timeout }, async () => {
    assert.deepEqual(await endOf(shell('exit 42')), { code: 42 });
  });
  it('is signalled, and ends by the signal', { timeout }, async () => {
    const child = shell('exec sleep 1000');
    assert.equal(reapProcess(child.descriptor), undefined);
    assert.equal(signalProcess(child.descriptor, 'SIGKILL'), true);
    await waitReadable(child.descriptor);
    assert.deepEqual(reapProcess(child.descriptor), { signal: 'SIGKILL' });
    assert.equal(signalProcess(child.descriptor, 'SIGKILL'), false);
    assert.equal(reapProcess(child.descriptor), undefined);
    closeSync(child.descriptor);
    assert.throws(() => openProcess(child.pid), { code: 'ESRCH', syscall: 'pidfd_open', errno: -3 });
  });
  it('wakes everybody who waits, also many at once, and leaves the event loop free meanwhile', {
    timeout,
  }, async () => {
    const children = Array.from({ length: 40 }, (_, index) => shell(`read x; exit ${index}`));
    // More waits than libuv's pool has threads: file access must go on.
    const ends = children.map((child) => Promise.all([waitReadable(child.descriptor), waitReadable(child.descriptor)]));
    const file = await import('node:fs/promises').then((fs) => fs.readFile('/proc/self/stat', 'utf8'));
    assert.ok(file.length > 0);
    await Promise.all(ends);
    // Their input is /dev/null, so all have ended by themselves.
    assert.deepEqual(
      children.map(({ descriptor }) => {
        const exit = reapProcess(descriptor);
        closeSync(descriptor);
        return exit;
      }),
      children.map((_, index) => ({ code: index })),
    );
  });
  it('does not mind when the descriptor is closed during the wait', { timeout }, async () => {
    const child = shell('exec sleep 1000');
    const ended = waitReadable(child.descriptor);
    signalProcess(child.descriptor, 'SIGKILL');
    closeSync(child.descriptor);
    await ended;
    assert.deepEqual(reapPid(child.pid), { signal: 'SIGKILL' });
  });
  it('tells about itself', { timeout }, async () => {
    const child = shell('exit 5');
    const info = processInfo(child.descriptor);
    // Kernels before 6.13 know nothing.
    if (info?.pid !== undefined)
      assert.deepEqual({ ...info, exit: undefined }, { pid: child.pid, parent: process.pid, exit: undefined });
    await waitReadable(child.descriptor);
    reapProcess(child.descriptor);
    const after = processInfo(child.descriptor);
    if (after) assert.deepEqual(after.exit, { code: 5 });
    closeSync(child.descriptor);
  });
  it('cannot be had from what is no process', { timeout }, async () => {
    const file = openSync('/dev/null', 'r');
    try {
      assert.throws(() => signalProcess(file, 'SIGTERM'), { code: 'EBADF' });
      assert.throws(() => reapProcess(file), { code: 'EBADF' });
      assert.equal(processInfo(file), undefined);
    } finally {
      closeSync(file);
    }
    await assert.rejects(waitReadable(2 ** 20), { code: 'EBADF' });
  });
});

describe('a spawned program', () => {
  it('gets arguments, environment and streams, and no other descriptor', { timeout }, async () => {
    const folder = mkdtempSync(`${tmpdir()}/linux-spawn-`);
    const output = openSync(`${folder}/out`, 'w');
    try {
      const script = 'echo "$1 $COLOUR"; readlink /proc/self/fd/0; ps -o sid= -p $$; echo $(ls /proc/self/fd)';
      const child = spawnProcess(
        '/bin/sh',
        ['sh', '-c', script, 'name', 'a b'],
        { COLOUR: 'blue', NONE: undefined, PATH: '/bin' },
        {
          stdout: output,
          stderr: output,
        },
      );
      assert.deepEqual(await endOf(child), { code: 0 });
      const [first, input, session, descriptors] = readFileSync(`${folder}/out`, 'utf8').split('\n');
      assert.equal(first, 'a b blue');
      assert.equal(input, '/dev/null');
      assert.equal(Number(session), child.pid);
      // 3 is the folder that ls itself reads.
      assert.equal(descriptors, '0 1 2 3');
    } finally {
      closeSync(output);
      rmSync(folder, { recursive: true });
    }
  });
  it('is refused when it cannot run', () => {
    assert.throws(() => spawnProcess('/no/such', ['x'], {}), {
      code: 'ENOENT',
      syscall: 'posix_spawn',
      path: '/no/such',
    });
    assert.throws(() => spawnProcess('/etc/passwd', ['x'], {}), { code: 'EACCES' });
    assert.throws(() => spawnProcess('/bin/true', ['true'], {}, { stdout: 1 }), TypeError);
  });
});

describe('orphans', () => {
  before(() => setChildSubreaper(true));
  after(() => setChildSubreaper(false));

  it('are reaped one by one, and the children of libuv left to it', { timeout }, async () => {
    const ours = Array.from({ length: 10 }, (_, index) => {
      // The orphan ends at once; its number comes out before.
      const child = spawn('sh', ['-c', `sh -c 'echo $$' & exit ${index}`], { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.on('data', (chunk) => {
        text += chunk;
      });
      return once(child, 'close').then(([code]) => ({ code, orphan: Number(text) }));
    });
    const results = await Promise.all(ours);
    assert.deepEqual(
      results.map(({ code }) => code),
      results.map((_, index) => index),
    );
    const orphans = new Set(results.map(({ orphan }) => orphan));
    const reaped = new Set<number>();
    while (orphans.size > reaped.size) for (const pid of reapOrphans((each) => !orphans.has(each))) reaped.add(pid);
    assert.deepEqual(reaped, orphans);
    assert.ok(!listChildren().some((pid) => orphans.has(pid)));
  });
  it('are spared while somebody waits for them', { timeout }, async () => {
    const child = shell('exit 3');
    await waitReadable(child.descriptor);
    assert.deepEqual(reapOrphans((pid) => pid === child.pid).includes(child.pid), false);
    assert.deepEqual(reapPid(child.pid), { code: 3 });
    closeSync(child.descriptor);
  });
});

it('the addon can be loaded and thrown away by worker threads', { timeout }, async () => {
  const source = `
    import { spawnProcess, waitReadable, signalProcess, reapProcess } from '${new URL('./index.ts', import.meta.url).href}';
    const child = spawnProcess('/bin/sleep', ['sleep', '1000'], {});
    const lost = spawnProcess('/bin/sleep', ['sleep', '1000'], {});
    waitReadable(lost.descriptor);
    signalProcess(child.descriptor, 'SIGKILL');
    await waitReadable(child.descriptor);
    signalProcess(lost.descriptor, 'SIGKILL');
    process.exit(reapProcess(child.descriptor).signal === 'SIGKILL' ? 0 : 1);
  `;
  for (let round = 0; round < 3; round += 1) {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
    const [code] = await once(worker, 'exit');
    assert.equal(code, 0);
  }
  for (const pid of listChildren()) reapPid(pid);
});
