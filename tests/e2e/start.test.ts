/** `npm start` as a person or a script uses it. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { probeContainer, writeRevision } from '../harness/revision.ts';
import { tracesOf } from '../harness/traces.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const startProgram = join(checkout, 'scripts/start.ts');
const pvcontrol = join(checkout, 'apps/device-tools/bin/pvcontrol');
const limit = 60_000;

/** A program whose output can be awaited. */
class Started {
  output = '';
  errors = '';
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  constructor(program: string, argv: string[], environment: Record<string, string> = {}) {
    this.child = spawn(program, argv, {
      cwd: checkout,
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    this.exited = once(this.child, 'close').then(([code]: (number | null)[]) => code ?? null);
  }

  /** The match of a pattern in the output, as soon as it is there; fails when the program ends before. */
  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    const ended = this.exited.then(() => 'ended' as const);
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      const next = once(this.child.stdout ?? assert.fail(), 'data').then(() => 'more' as const);
      if ((await Promise.race([next, ended])) === 'ended' && pattern.exec(this.output) === null) {
        assert.fail(`the program ended without ${pattern}:\n${this.output}\n${this.errors}`);
      }
    }
  }

  /** Ends the whole process group: asks first, then kills. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined) return;
    const group = -this.child.pid;
    process.kill(group, 'SIGTERM');
    const killer = setTimeout(() => process.kill(group, 'SIGKILL'), 20_000);
    await this.exited;
    clearTimeout(killer);
  }
}

const running: Started[] = [];
const directories: string[] = [];
const npmStart = (...argv: string[]): Started => run('npm', ['start', '--', '--no-hub', ...argv]);
/** What `npm start` comes to when set-up has found nothing to do. */
const start = (...argv: string[]): Started => run(process.execPath, [startProgram, ...argv]);
const run = (program: string, argv: string[], environment: Record<string, string> = {}): Started => {
  const started = new Started(program, argv, { TERM: 'xterm', ...environment });
  running.push(started);
  return started;
};
const temporary = (): string => {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'e2e-start-')));
  directories.push(path);
  return path;
};

/** Facts of a device once it is ready. */
async function ready(started: Started): Promise<{ socket: string; url: string; storage: string; bridge: string }> {
  const [, socket = '', url = ''] = await started.sees(/^ready socket=(\S+) url=(\S+)$/m);
  const [, storage = ''] = await started.sees(/^starting a device on (\S+)$/m);
  const number = /^http:\/\/10\.0\.(\d+)\./.exec(url)?.[1] ?? assert.fail(`no address in ${url}`);
  return { socket, url, storage, bridge: number === '3' ? 'lxcbr0' : `pvbr${number}` };
}

async function page(url: string): Promise<Record<string, string>> {
  const text = await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).text();
  return Object.fromEntries(
    [...text.matchAll(/<dd id="(\w+)">([^<]*)<\/dd>/g)].map(([, id, value]) => [id ?? '', value ?? '']),
  );
}

describe('npm start', { skip: await skipWithoutContainers(), timeout: 5 * limit }, () => {
  afterEach(async () => {
    for (const started of running.splice(0)) await started.end();
  });
  after(() => {
    for (const path of directories) rmSync(path, { recursive: true, force: true });
  });

  test('brings up a device whose page and control socket answer, and leaves nothing behind', {
    timeout: limit,
  }, async () => {
    const started = npmStart();
    const { socket, url, storage, bridge } = await ready(started);
    const shown = await page(url);
    assert.equal(shown.container, 'web');
    assert.equal(shown.revision, '0');
    assert.match(shown.uptime ?? '', /^\d+ s$/);

    const listed = execFileSync('npx', ['pvcontrol', '-s', socket, '--json', 'ls'], {
      cwd: checkout,
      encoding: 'utf8',
    });
    const containers: { name: string; status: string }[] = JSON.parse(listed);
    assert.deepEqual(
      containers.map(({ name, status }) => `${name} ${status}`),
      ['manager STARTED', 'slow-ready READY', 'web STARTED'],
    );
    const seen: { name: string }[] = JSON.parse(await (await fetch(url.replace('.10:', '.11:'))).text());
    assert.deepEqual(
      seen.map(({ name }) => name),
      ['manager', 'slow-ready', 'web'],
      'the manager may ask the socket',
    );
    assert.notDeepEqual(tracesOf(storage, bridge), [], 'traces of a running device are found');

    started.child.kill('SIGTERM');
    assert.equal(await started.exited, 0, started.errors);
    assert.deepEqual(tracesOf(storage, bridge), []);
    assert.ok(!existsSync(storage), 'the temporary storage is gone');
    assert.match(started.output, /^stopped; nothing is left$/m);
  });

  test('with a hub: the device joins, takes a new page, goes back from a broken one, and says why', {
    timeout: 3 * limit,
  }, async () => {
    const started = start();
    await started.sees(/^the tour (is over|ends here): .*$/m);
    const { output } = started;
    for (const pattern of [
      /^hub url=http:\/\/127\.0\.0\.1:\d+ user=user1 password=user1$/m,
      /^device [0-9a-f]{24} has registered, belongs to user1/m,
      /^step 1: DOWNLOADING [\s\S]*^step 1: INPROGRESS [\s\S]*^step 1: TESTING [\s\S]*^step 1: UPDATED 100 %/m,
      /^the page says: Hello from the hub \(revision 1\)$/m,
      /^step 2: ERROR 100 %, A container could not be started$/m,
      /^step 2: because .*\/usr\/bin\/no-such-program/m,
      /^the device restarts$[\s\S]*^the page says: A container on a Pantavisor device \(revision 0\)$/m,
      /^the tour is over: step 1 ended as UPDATED, step 2 ended as ERROR/m,
    ])
      assert.match(output, pattern);
    const [, hub = ''] = /^hub url=(\S+)/m.exec(output) ?? [];
    started.child.kill('SIGTERM');
    assert.equal(await started.exited, 0, started.errors);
    await assert.rejects(fetch(hub), 'the hub has ended');
  });

  test('--storage keeps the device: the next run goes on with its volumes', { timeout: 2 * limit }, async () => {
    const storage = join(temporary(), 'device');
    const visits: (string | undefined)[] = [];
    for (let round = 0; round < 2; round += 1) {
      const started = start('--no-hub', '--storage', storage);
      const device = await ready(started);
      visits.push((await page(device.url)).visits);
      started.child.kill('SIGTERM');
      assert.equal(await started.exited, 0, started.errors);
      assert.deepEqual(tracesOf(storage, device.bridge), []);
    }
    assert.deepEqual(visits, ['1', '2']);
  });

  test('two at once have a network each', { timeout: limit }, async () => {
    const both = [start('--no-hub'), start('--no-hub')];
    const devices = await Promise.all(both.map(ready));
    assert.notEqual(devices[0]?.url, devices[1]?.url);
    for (const { url } of devices) assert.equal((await page(url)).container, 'web');
    for (const started of both) started.child.kill('SIGTERM');
    assert.deepEqual(await Promise.all(both.map(({ exited }) => exited)), [0, 0]);
    for (const { storage, bridge } of devices) assert.deepEqual(tracesOf(storage, bridge), []);
  });

  test('killed without a chance to clean up, it still takes the device with it', { timeout: limit }, async () => {
    const started = run(process.execPath, [startProgram, '--no-hub'], { TMPDIR: temporary() });
    const { storage, bridge } = await ready(started);
    started.child.kill('SIGKILL');
    await started.exited;
    // Not a child of this process, so its end cannot be awaited.
    const deadline = performance.now() + limit / 2;
    while (tracesOf(storage, bridge).length > 0 && performance.now() < deadline) await pause(100);
    assert.deepEqual(tracesOf(storage, bridge), []);
  });

  test('a device that asks for a restart is started again', { timeout: limit }, async () => {
    const started = start('--no-hub');
    const { socket } = await ready(started);
    execFileSync(pvcontrol, ['-s', socket, 'cmd', 'reboot'], { cwd: checkout });
    await started.sees(/^the device restarts$[\s\S]*^ready socket=/m);
  });

  test('runs a revision of one’s own, without a page', { timeout: limit }, async () => {
    const { state, objects } = await writeRevision(temporary(), [probeContainer('alone', ['init'], { group: 'app' })]);
    const started = start('--no-hub', '--state', state, '--objects', objects);
    const [line = ''] = await started.sees(/^ready socket=.*$/m);
    assert.match(line, /^ready socket=\S+$/);
    assert.match(started.output, /^container alone \(group app\): STARTED, pid \d+$/m);
  });

  test('a wrong state is one message with the place of each problem, and the device’s exit code', {
    timeout: limit,
  }, async () => {
    const directory = temporary();
    const state = join(directory, 'state.json');
    writeFileSync(
      state,
      JSON.stringify({
        '#spec': 'pantavisor-service-system@1',
        'a/run.json': { name: 'a', type: 'lxc', config: 'c', group: 'nowhere' },
      }),
    );
    const started = start('--no-hub', '--state', state, '--objects', directory);
    assert.equal(await started.exited, 65);
    assert.match(started.errors, /start: the device ended by itself \(exit code 65\)/);
    assert.match(started.errors, /nowhere/);
  });

  test('files that are not there are named before anything is started', { timeout: limit }, () => {
    const argv = [startProgram, '--state', '/no/such/state.json', '--objects', tmpdir()];
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: limit });
    assert.equal(status, 66);
    assert.equal(stderr, 'start: cannot find /no/such/state.json\n');
  });

  describe('on a terminal', () => {
    const onTerminal = (before: string): Started =>
      run('script', [
        '-qefc',
        `stty cols 100 rows 30; ${before} exec '${process.execPath}' '${startProgram}' --no-hub`,
        '/dev/null',
      ]);
    /** The last picture with this line that has come whole; each begins with the cursor going home. */
    const lastWhole = ({ output }: Started, line: string): string =>
      output
        .split('\x1b[H')
        .map(stripVTControlCharacters)
        .findLast((frame) => frame.includes(line) && /q stop\s*$/.test(frame)) ?? '';

    test('shows a picture that changes in place, logs on request, and gives the terminal back', {
      timeout: limit,
    }, async () => {
      const started = onTerminal('');
      await started.sees(/all status goals are met[\s\S]* stop/);
      const frame = lastWhole(started, 'all status goals are met');
      for (const pattern of [
        /^GROUP +CONTAINER +STATUS +GOAL +PID +MEMORY +UP/m,
        /^ +web +STARTED +STARTED +\d+ +[\d.]+ [KM]iB +\d+ s/m,
        /^Page +http:\/\/10\./m,
        /npx pvcontrol -s \S+ ls/,
      ]) {
        assert.match(frame, pattern);
      }
      assert.ok(frame.split('\n').every((line) => line.trimEnd().length <= 100));
      assert.ok(started.output.includes('\x1b[32m'), 'green');
      started.child.stdin?.write('l');
      await started.sees(/LOG[\s\S]*revision 0/);
      started.child.stdin?.write('q');
      assert.equal(await started.exited, 0);
      assert.ok(started.output.includes('\x1b[?1049l'), 'the alternate screen is left');
      assert.match(stripVTControlCharacters(started.output), /stopped; nothing is left\r?\n$/);
    });

    test('Ctrl-C stops it as well, and NO_COLOR means no colour', { timeout: limit }, async () => {
      const started = onTerminal('NO_COLOR=1');
      await started.sees(/at their status goal|all status goals/);
      started.child.stdin?.write('\x03');
      assert.equal(await started.exited, 0);
      const styles = started.output.split('\x1b[').filter((piece) => /^\d+m/.test(piece));
      assert.deepEqual(styles, []);
    });
  });
});
