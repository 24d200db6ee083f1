/** The command lines of benchmarks: each tells what it measures without measuring, and takes nothing that it does not understand. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../', import.meta.url));
const names = globSync('bench/*.ts', { cwd: checkout }).map((path) => basename(path, '.ts'));

function bench(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/bench.ts', ...argv], {
    cwd: checkout,
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { status, stdout, stderr };
}

test('every benchmark reads its options before it does anything, and the list tells what it measures', () => {
  for (const name of names) {
    const source = readFileSync(`${checkout}bench/${name}.ts`, 'utf8');
    const body = source
      .replace(/^\/\*\*[\s\S]*?\*\/\n/, '')
      .replace(/^import [\s\S]*? from '[^']+';\n|^import '[^']+';\n/gm, '');
    assert.match(body, /^\s*(const \{[^}]*\} = )?readBenchOptions\(import\.meta\.filename, \{/, name);
  }
  const { status, stdout } = bench('--help');
  assert.equal(status, 0);
  for (const name of names) assert.match(stdout, new RegExp(`^ {2}${name} +\\S.*$`, 'm'));
});

test('each tells what it measures and its options', () => {
  const { status, stdout } = bench('pvr-start', 'state-parse', '--help');
  assert.equal(status, 0);
  assert.match(stdout, /Usage: npm run bench -- pvr-start \[options\]\n\nHow long pvr takes to start, beside/);
  assert.match(stdout, /--rounds <number> +runs of each \(default: 25\)/);
  assert.match(stdout, /Usage: npm run bench -- state-parse \[options\]\n\nReading a state of five megabytes/);
});

test('what it does not understand it refuses before it measures', () => {
  const unknown = bench('state-parse', '--no-such-option', '1');
  assert.equal(unknown.status, 1);
  assert.match(unknown.stderr, /unknown option '--no-such-option'\nbench: 'state-parse' failed \(exit code 64\)/);
  assert.match(bench('pvr-start', '--rounds', '0').stderr, /'0' is invalid.* It has to be a whole number from 1 on/);
  const nothing = bench('no-such-benchmark');
  assert.equal(nothing.status, 64);
  assert.match(nothing.stderr, /no such benchmark: no-such-benchmark; there are boot, console/);
});
