import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startHttpServers } from '../testing/http-client-servers.ts';
import { makeSignatureCases } from '../testing/signature-cases.ts';
import { buildProgram } from './testing/build.ts';
import { resultsOf } from './testing/results.ts';

const run = promisify(execFile);

test('the ports of the small host keep what the suites ask of every host', { timeout: 240_000 }, async (context) => {
  if (process.getuid?.() !== 0) return context.skip('mounting needs root');
  const { executable } = buildProgram('testing/conformance.ts');
  const material = mkdtempSync(`${tmpdir()}/small-host-`);
  context.after(() => rmSync(material, { recursive: true, force: true }));
  mkdirSync(`${material}/trust`);
  writeFileSync(`${material}/signatures.json`, JSON.stringify(makeSignatureCases(`${material}/trust`)));
  const argv = ['--mount', '--propagation', 'private', executable, material];
  const { servers, close } = await startHttpServers();
  context.after(close);
  writeFileSync(`${material}/servers.json`, JSON.stringify(servers));
  // The servers run in this process, so it must not wait.
  const { stdout, stderr } = await run('unshare', argv, { timeout: 120_000, maxBuffer: 1 << 24 });
  const results = resultsOf(stdout);
  for (const { suite, title, error } of results)
    await context.test(`${suite}: ${title}`, () => assert.equal(error, undefined));
  assert.equal(stderr, '');
  assert.ok(results.length > 30, `only ${results.length} results`);
});
