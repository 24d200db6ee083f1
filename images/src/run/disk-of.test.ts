import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { diskOf } from './image-machine.ts';

test('a disk is made from its image once, as large as asked for, and a size that cannot be is told', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pv-disk-of-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [image, disk] = [join(folder, 'image'), join(folder, 'disk')];
  const mebibyte = 1024 * 1024;
  writeFileSync(image, Buffer.alloc(4 * mebibyte, 1));
  await assert.rejects(diskOf(image, disk, 2 * mebibyte), /cannot make a disk of 2 MiB: the image takes 4 MiB/);
  assert.equal(existsSync(disk), false);
  await diskOf(image, disk, 8 * mebibyte);
  assert.equal(statSync(disk).size, 8 * mebibyte);
  writeFileSync(disk, 'what the device has become', { flag: 'r+' });
  await diskOf(image, disk);
  await diskOf(image, disk, 8 * mebibyte);
  assert.equal(readFileSync(disk).subarray(0, 8).toString(), 'what the');
  await assert.rejects(diskOf(image, disk, 16 * mebibyte), /it is there, of 8 MiB; --fresh begins anew/);
});
