import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { withWorkFolder } from './work-folder.ts';

function parentOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pv-work-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the folder is there for its work, and gone when that ends or fails', async (t) => {
  const parent = parentOf(t);
  assert.equal(await withWorkFolder(parent, async () => readdirSync(parent).length), 1);
  await assert.rejects(
    withWorkFolder(parent, () => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.deepEqual(readdirSync(parent), []);
});

test('a signal leaves nothing behind, and ends the program as usual', async (t) => {
  const parent = parentOf(t);
  const program = `import { withWorkFolder } from ${JSON.stringify(join(import.meta.dirname, 'work-folder.ts'))};
await withWorkFolder(process.argv[1], async () => { console.log('up'); await new Promise((resolve) => setTimeout(resolve, 100000)); });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, parent], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  assert.equal(readdirSync(parent).length, 1);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM']);
  assert.deepEqual(readdirSync(parent), []);
});

test('what a program has left that was killed goes with the next one; that of one that runs stays', async (t) => {
  const parent = parentOf(t);
  const gone = spawn('true');
  await once(gone, 'exit');
  for (const name of [`building-${gone.pid}-abcdef`, `building-${process.ppid}-abcdef`, 'debian'])
    mkdirSync(join(parent, name));
  writeFileSync(join(parent, `building-${gone.pid}-abcdef`, 'file'), '');
  await withWorkFolder(parent, async () => {});
  assert.deepEqual(readdirSync(parent), [`building-${process.ppid}-abcdef`, 'debian']);
});
