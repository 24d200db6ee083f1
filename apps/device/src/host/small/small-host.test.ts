import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { makeSignatureCases } from '../testing/signature-cases.ts';
import { buildProgram } from './testing/build.ts';

test('the ports of the small host keep what the suites ask of every host', { timeout: 240_000 }, async (context) => {
  if (process.getuid?.() !== 0) return context.skip('mounting needs root');
  const { executable } = buildProgram('testing/conformance.ts');
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
