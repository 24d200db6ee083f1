import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { buildProgram } from './testing/build.ts';

const timeout = 240_000;
const traceProgram = resolve(import.meta.dirname, '../../../trace.ts');

test('a stack trace leads to the lines of the sources', { timeout }, (context) => {
  const { executable, map } = buildProgram('testing/faults.ts');
  const directory = mkdtempSync(`${tmpdir()}/small-host-trace-`);
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(`${directory}/pantavisor.js.map`, map);
  const { stderr, status } = spawnSync(executable, ['fail'], { encoding: 'utf8' });
  assert.equal(status, 70);
  assert.match(stderr, /asked for[\s\S]*pantavisor\.js:\d+:\d+/);
  const { stdout } = spawnSync(process.execPath, [traceProgram, directory], {
    encoding: 'utf8',
    input: stderr,
  });
  assert.match(stdout, /testing\/faults\.ts:8:\d+/);
});

test('system calls are shown on request, with their texts and errors', { timeout }, () => {
  const { executable } = buildProgram('testing/faults.ts');
  const { stderr } = spawnSync(executable, ['fail'], {
    encoding: 'utf8',
    env: { ...process.env, PANTAVISOR_TRACE: 'calls' },
  });
  assert.match(stderr, /^openat\(-100, "\/proc\/version", 524288, 0\) = \d+$/m);
  assert.match(stderr, /^read\(\d+, "Linux version /m);
});

test('SIGUSR2 reports the heap', { timeout }, async (context) => {
  const { executable } = buildProgram('testing/faults.ts');
  const child = spawn(executable, []);
  context.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  child.kill('SIGUSR2');
  const [report] = await once(child.stderr.setEncoding('utf8'), 'data');
  assert.match(report, /^pantavisor: heap memory_used_size \d{4,}$/m);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});
