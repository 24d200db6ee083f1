import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const timeout = 30_000;
const here = fileURLToPath(new URL('.', import.meta.url));

/** Runs a module in a process of its own, since subreaper and signal handlers are a matter of the whole process. */
async function runModule(source: string, ...argv: string[]): Promise<{ code: number | null; stdout: string }> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', source, ...argv], {
    cwd: here,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout };
}

const start = `
  import { Children } from '${here}children.ts';
  import { createProcesses } from '${here}processes.ts';
  import { createSystem } from '${here}system.ts';
  import { readFileSync } from 'node:fs';
  const children = new Children();
  const processes = createProcesses(children);
  const system = createSystem(children);
`;

describe('the system', () => {
  it('reaps orphans, and only orphans', { timeout }, async () => {
    const { stdout } = await runModule(`${start}
      system.becomeSubreaper();
      // Each program leaves an orphan behind that ends a little later, while other programs run and end.
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          processes.run(['sh', '-c', 'setsid sh -c "sleep 0.05" >/dev/null 2>&1 & exit ' + index])));
      const codes = results.map(({ code }) => code);
      const left = () => readFileSync('/proc/self/task/' + process.pid + '/children', 'latin1').trim();
      // Every end of an orphan is announced by SIGCHLD, so the last one empties the list.
      await new Promise((resolve) => {
        const look = () => { if (left() === '') resolve(undefined); else setImmediate(look); };
        look();
      });
      system.print('stdout', JSON.stringify(codes));
    `);
    assert.deepEqual(
      JSON.parse(stdout),
      Array.from({ length: 20 }, (_, index) => index),
    );
  });
  it('leaves ended children alone while somebody is about to wait for one', { timeout }, async () => {
    const { stdout } = await runModule(`${start}
      import { listChildren, openProcess, reapPid, spawnProcess, waitReadable } from '@pantavisor/linux';
      system.becomeSubreaper();
      const release = children.hold();
      const child = spawnProcess('/bin/sh', ['sh', '-c', 'exit 9'], {});
      await waitReadable(child.descriptor);
      children.reapOrphans();
      const during = listChildren().includes(child.pid);
      release();
      system.print('stdout', JSON.stringify([during, listChildren().includes(child.pid), reapPid(child.pid) ?? null]));
    `);
    assert.deepEqual(JSON.parse(stdout), [true, false, null]);
  });
  it('knows itself, hands over signals and ends with the code', { timeout }, async () => {
    const { code, stdout } = await runModule(
      `${start}
      system.onSignal('SIGUSR1', () => {
        system.print('stdout', [system.arguments.join(), system.machine, system.kernelRelease, system.environment.PATH].join(' '));
        system.exit(7);
      });
      process.kill(system.pid, 'SIGUSR1');
      setInterval(() => undefined, 1000);
    `,
      'one',
      'two',
    );
    assert.equal(code, 7);
    const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
    assert.match(stdout, /two/);
    assert.ok(stdout.includes(` ${release} ${process.env.PATH}`), stdout);
  });
  it('prints long text whole, and does not mind a reader that has gone', { timeout }, async () => {
    const long = await runModule(
      `${start} system.print('stdout', 'x'.repeat(500_000)); system.print('stdout', 'end');`,
    );
    assert.equal(long.stdout.length, 500_003);
    const { stdout } = await runModule(`${start}
      const { stdout } = await processes.run(['sh', '-c',
        process.execPath + ' -e "process.stdout.write(String.fromCharCode(120).repeat(1000000))" | head -c 10']);
      system.print('stdout', stdout);
    `);
    assert.equal(stdout, 'x'.repeat(10));
  });
  it('makes random digits', { timeout }, async () => {
    const { stdout } = await runModule(`${start} system.print('stdout', system.randomHex(16) + system.randomHex(16));`);
    assert.match(stdout, /^[0-9a-f]{64}$/);
    assert.notEqual(stdout.slice(0, 32), stdout.slice(32));
  });
});
