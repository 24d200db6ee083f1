import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { testFiles } from '../testing/files.ts';
import { createFiles } from './files.ts';

testFiles('node', async () => {
  const directory = await mkdtemp(`${tmpdir()}/node-host-files-`);
  return { files: createFiles(), directory, dispose: () => rm(directory, { recursive: true, force: true }) };
});

test('files: a directory has its mode also when a socket is bound, with another umask, while the pool makes it', async (t) => {
  const directory = await mkdtemp(`${tmpdir()}/node-host-files-`);
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = `${directory}/made`;
  const made = createFiles().makeDirectory(path, 0o755);
  const before = process.umask(0o111);
  // The one thread that JavaScript has is here; only the pool goes on.
  for (let looks = 0; looks < 1_000_000 && !existsSync(path); looks += 1);
  process.umask(before);
  await made;
  assert.equal(statSync(path).mode & 0o777, 0o755);
});
