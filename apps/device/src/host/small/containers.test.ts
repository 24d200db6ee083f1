import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { buildProgram } from './testing/build.ts';
import { resultsOf } from './testing/results.ts';

const run = promisify(execFile);

test('containers of the small host keep what the suite asks of every host', { timeout: 240_000 }, async (context) => {
  if (process.getuid?.() !== 0) return context.skip('containers need root');
  if (!existsSync('/usr/bin/lxc-start') || !existsSync('/bin/busybox'))
    return context.skip('needs lxc-start and /bin/busybox');
  const { executable } = buildProgram('testing/containers.ts');
  const directory = mkdtempSync(`${tmpdir()}/small-host-lxc-`);
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const { stdout, stderr } = await run(executable, [directory], { timeout: 200_000 });
  const results = resultsOf(stdout);
  for (const { suite, title, error } of results)
    await context.test(`${suite}: ${title}`, () => assert.equal(error, undefined));
  assert.equal(stderr, '');
  assert.ok(results.length >= 10, `only ${results.length} results`);
});
