import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readStorageFile } from './storage.ts';

/** A storage with one file, behind a mebibyte of something else. */
function storage(t: TestContext): { image: string; offset: number } {
  const folder = mkdtempSync(join(tmpdir(), 'pv-storage-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [tree, image, offset] = [join(folder, 'tree'), join(folder, 'image'), 1024 * 1024];
  mkdirSync(join(tree, 'boot'), { recursive: true });
  writeFileSync(join(tree, 'boot/uboot.txt'), 'pv_rev=0\0\0');
  writeFileSync(image, '');
  truncateSync(image, offset + 8 * 1024 * 1024);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-E', `offset=${offset}`, '-d', tree, image, '8M']);
  return { image, offset };
}

test('a file of the storage is read, and one that is not there is told', async (t) => {
  const place = storage(t);
  assert.equal(String(await readStorageFile(place, '/boot/uboot.txt')), 'pv_rev=0\0\0');
  assert.equal(await readStorageFile(place, '/boot/none'), undefined);
});

test('a storage is read whose journal has not been played back: its bitmaps are not those that it says', async (t) => {
  const { image, offset } = storage(t);
  const about = execFileSync('dumpe2fs', [`${image}?offset=${offset}`], { encoding: 'utf8', stdio: 'pipe' });
  const [block, bitmap] = [/^Block size: +(\d+)/m, /Inode bitmap at (\d+)/].map((line) =>
    Number(line.exec(about)?.[1]),
  );
  const file = openSync(image, 'r+');
  const byte = Buffer.alloc(1);
  const place = offset + Number(block) * Number(bitmap) + 8;
  readSync(file, byte, 0, 1, place);
  writeSync(file, Buffer.from([byte.readUInt8() ^ 1]), 0, 1, place);
  closeSync(file);
  assert.equal(String(await readStorageFile({ image, offset }, '/boot/uboot.txt')), 'pv_rev=0\0\0');
});

test('what is no storage is said, not taken for one without the file', async (t) => {
  const { image } = storage(t);
  await assert.rejects(readStorageFile({ image, offset: 0 }, '/boot/uboot.txt'), /cannot run debugfs/);
});
