import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HostError } from '../ports.ts';
import { Children } from './children.ts';
import { hasCode } from './errors.ts';
import { createProcesses } from './processes.ts';

const timeout = 30_000;
const create = () => createProcesses(new Children());

/** With what it started, if that had come so far. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

describe('running a program to its end', () => {
  it('gives code and output', { timeout }, async () => {
    const result = await create().run(['sh', '-c', 'cat; echo oops >&2; exit 3'], { input: 'hello' });
    assert.deepEqual(result, { code: 3, signal: undefined, stdout: 'hello', stderr: 'oops\n', timedOut: false });
  });
  it('adds the environment to our own, and enters the directory', { timeout }, async () => {
    const directory = await realpath(await mkdtemp(`${tmpdir()}/node-host-run-`));
    try {
      const { stdout } = await create().run(['sh', '-c', 'pwd; echo $COLOUR $PATH'], {
        environment: { COLOUR: 'blue' },
        directory,
      });
      assert.deepEqual(stdout.split('\n'), [directory, `blue ${process.env.PATH}`, '']);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
  it('does not pass arguments through a shell', { timeout }, async () => {
    assert.equal((await create().run(['echo', '$HOME; false', '*'])).stdout, '$HOME; false *\n');
  });
  it('kills the program and all it started when time is up', { timeout }, async () => {
    const result = await create().run(['sh', '-c', 'sleep 1000 & echo $!; wait'], { timeout: 50 });
    assert.equal(result.timedOut, true);
    assert.equal(result.signal, 'SIGKILL');
    // Its files are closed, which ends the output, a moment before it is gone.
    while (create().isAlive(Number(result.stdout))) await nextTurn();
  });
  it('keeps the first 64 KiB of each stream and reads the rest away', { timeout }, async () => {
    const script = 'head -c 300000 /dev/zero | tr "\\0" x; head -c 300000 /dev/zero | tr "\\0" y >&2';
    const { code, stdout, stderr } = await create().run(['sh', '-c', script]);
    assert.equal(code, 0);
    assert.equal(stdout, 'x'.repeat(65_536));
    assert.equal(stderr, 'y'.repeat(65_536));
  });
  it('does not wait for a grandchild that keeps the output open', { timeout }, async () => {
    const { code, stdout } = await create().run(['sh', '-c', 'setsid sleep 1000 & echo $!']);
    process.kill(Number(stdout), 'SIGKILL');
    assert.equal(code, 0);
  });
  it('survives a program that does not read its input', { timeout }, async () => {
    assert.equal((await create().run(['true'], { input: 'x'.repeat(1_000_000) })).code, 0);
  });
  it('refuses what cannot be run', { timeout }, async () => {
    await assert.rejects(create().run(['/no/such/program']), (error) => {
      assert.ok(error instanceof HostError);
      assert.equal(error.code, 'ENOENT');
      assert.match(error.message, /^cannot run \/no\/such\/program: /);
      return true;
    });
    await assert.rejects(create().run([]), { code: 'EINVAL' });
    await assert.rejects(create().run(['/etc/passwd']), { code: 'EACCES' });
  });
  it('leaves no descriptor open', { timeout }, async () => {
    const processes = create();
    await processes.run(['true']);
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 10; round += 1) await processes.run(['sh', '-c', 'cat'], { input: 'x' });
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
});

describe('a program that stays', () => {
  it('hands over its lines, and its end', { timeout }, async () => {
    const lines: string[] = [];
    const child = await create().spawn(['sh', '-c', 'echo one; echo two >&2; printf three; exit 4'], {
      onLine: (stream, line) => lines.push(`${stream} ${line}`),
    });
    assert.deepEqual(await child.exited, { code: 4, signal: undefined });
    assert.deepEqual(lines.sort(), ['stderr two', 'stdout one', 'stdout three']);
  });
  it('gets signals by any name', { timeout }, async () => {
    const processes = create();
    for (const [signal, end] of [
      ['SIGTERM', { code: undefined, signal: 'SIGTERM' }],
      ['SIGRTMIN+3', { code: 5, signal: undefined }],
    ] as const) {
      let ready = () => {};
      const isReady = new Promise<void>((resolve) => {
        ready = resolve;
      });
      const script = 'trap "exit 5" 37; echo ready; while :; do sleep 1000 & wait; done';
      const child = await processes.spawn(['sh', '-c', script], { onLine: () => ready() });
      try {
        await isReady;
        assert.equal(processes.isAlive(child.pid), true);
        assert.throws(() => child.signal('SIGNONSENSE'), TypeError);
        child.signal(signal);
        assert.deepEqual(await child.exited, end);
        assert.equal(processes.isAlive(child.pid), false);
      } finally {
        killGroup(child.pid);
      }
    }
  });
  it('is refused when it cannot be run', { timeout }, async () => {
    await assert.rejects(create().spawn(['/no/such/program']), { code: 'ENOENT' });
  });
});
