import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { buildExecutable, targets } from '@pantavisor/small-host/build';
import { buildSync } from 'esbuild';
import { makeSignatureCases } from '../testing/signature-cases.ts';

const root = resolve(import.meta.dirname, '../../../../..');

/** Bundles a program for the small host, with stand-ins for the few modules of Node that the conformance suites use. */
function bundle(entry: string): string {
  const standIn = (name: string) => resolve(import.meta.dirname, 'testing', name);
  const { outputFiles } = buildSync({
    entryPoints: [resolve(import.meta.dirname, entry)],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'neutral',
    target: 'es2024',
    alias: {
      'node:test': standIn('runner.ts'),
      'node:assert/strict': standIn('assert.ts'),
      'node:crypto': standIn('hash.ts'),
    },
  });
  return outputFiles[0]!.text;
}

test('the ports of the small host keep what the suites ask of every host', { timeout: 240_000 }, async (context) => {
  if (process.getuid?.() !== 0) return context.skip('mounting needs root');
  const cache = resolve(root, 'build/small-host');
  mkdirSync(cache, { recursive: true });
  const executable = buildExecutable({
    target: targets.x64,
    root: resolve(root, 'packages/small-host'),
    cache,
    program: bundle('testing/conformance.ts'),
    say: (line) => context.diagnostic(line),
  });
  const material = mkdtempSync(`${tmpdir()}/small-host-`);
  context.after(() => rmSync(material, { recursive: true, force: true }));
  mkdirSync(`${material}/trust`);
  writeFileSync(`${material}/signatures.json`, JSON.stringify(makeSignatureCases(`${material}/trust`)));
  const argv = ['--mount', '--propagation', 'private', executable, material];
  const { status, stdout, stderr } = spawnSync('unshare', argv, {
    encoding: 'utf8',
    timeout: 120_000,
  });
  const results = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { suite: string; title: string; error?: string });
  for (const { suite, title, error } of results)
    await context.test(`${suite}: ${title}`, () => assert.equal(error, undefined));
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.ok(results.length > 30, `only ${results.length} results`);
});
