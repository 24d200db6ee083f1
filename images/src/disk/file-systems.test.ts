import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assembleDisk } from './assemble.ts';
import { makeExt4 } from './ext4.ts';
import { makeFat } from './fat.ts';
import { serialOf, uuidOf } from './identity.ts';

const MiB = 1024 * 1024;

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pv-disk-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function fillStorage(folder: string, order: string[]): void {
  mkdirSync(join(folder, 'trails/0/web'), { recursive: true });
  mkdirSync(join(folder, 'objects'));
  for (const name of order) {
    writeFileSync(join(folder, 'objects', name), `content of ${name}`);
    linkSync(join(folder, 'objects', name), join(folder, 'trails/0/web', name));
  }
  symlinkSync('0', join(folder, 'trails/current'));
}

test('the same files make the same ext4, whenever and in whatever order they came', async (t) => {
  const folder = folderOf(t);
  const names = Array.from({ length: 40 }, (_, index) => `object-${index}`);
  const images: Buffer[] = [];
  for (const [index, order] of [names, names.toReversed()].entries()) {
    const source = join(folder, `source-${index}`);
    fillStorage(source, order);
    // Change times have seconds.
    if (index === 0) await new Promise((resolve) => setTimeout(resolve, 1100));
    const file = join(folder, `image-${index}`);
    await makeExt4({ file, size: 32 * MiB, label: 'root', uuid: uuidOf('test'), folder: source });
    images.push(readFileSync(file));
  }
  assert.ok(images[0]?.equals(images[1] ?? Buffer.alloc(0)));
  const file = join(folder, 'image-0');
  assert.equal(spawnSync('e2fsck', ['-fn', file]).status, 0);
  const stat = execFileSync('debugfs', ['-R', 'stat /trails/0/web/object-7', file], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  assert.match(stat, /Links: 2/);
  assert.match(stat, /User:\s+0\s+Group:\s+0/);
});

test('the same files make the same FAT, with what was put in', async (t) => {
  const folder = folderOf(t);
  const files = new Map([
    ['grub/grub.cfg', Buffer.from('set timeout=0\n')],
    ['EFI/BOOT/BOOTX64.EFI', Buffer.alloc(100_000, 7)],
    ['pv.env', Buffer.from('x')],
  ]);
  const images: Buffer[] = [];
  for (const [index, entries] of [[...files], [...files].toReversed()].entries()) {
    const file = join(folder, `image-${index}`);
    await makeFat({ file, size: 64 * MiB, label: 'PVBOOT', serial: serialOf('test'), files: new Map(entries) });
    images.push(readFileSync(file));
    if (index === 0) await new Promise((resolve) => setTimeout(resolve, 2100));
  }
  assert.ok(images[0]?.equals(images[1] ?? Buffer.alloc(0)));
  const file = join(folder, 'image-0');
  assert.equal(spawnSync('fsck.vfat', ['-n', file]).status, 0);
  assert.deepEqual(execFileSync('mtype', ['-i', file, '::/grub/grub.cfg']), files.get('grub/grub.cfg'));
});

test('a disk appears whole or not at all', async (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, 'content'), Buffer.alloc(2 * MiB + 5, 9));
  const path = join(folder, 'disk');
  await assembleDisk(
    path,
    8 * MiB,
    [{ offset: MiB, file: join(folder, 'content') }],
    [{ offset: 0, bytes: Buffer.from('boot') }],
  );
  const disk = readFileSync(path);
  assert.equal(disk.length, 8 * MiB);
  assert.equal(disk.subarray(0, 5).toString('latin1'), 'boot\0');
  assert.deepEqual([disk[MiB - 1], disk[MiB], disk[3 * MiB + 4], disk[3 * MiB + 5]], [0, 9, 9, 0]);
  const other = join(folder, 'other');
  await assert.rejects(assembleDisk(other, MiB, [{ offset: 0, file: join(folder, 'missing') }], []), /ENOENT/);
  assert.deepEqual(execFileSync('ls', [folder], { encoding: 'utf8' }), 'content\ndisk\n');
});

test('files that do not fit are told with what they need', async (t) => {
  const folder = folderOf(t);
  const source = join(folder, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'big'), Buffer.alloc(40 * MiB, 1));
  linkSync(join(source, 'big'), join(source, 'same'));
  await assert.rejects(
    makeExt4({ file: join(folder, 'e'), size: 32 * MiB, label: 'root', uuid: uuidOf('test'), folder: source }),
    { message: 'cannot put 40 MiB of files into the storage of 32 MiB', needed: 40 * MiB },
  );
  const files = new Map([
    ['a', Buffer.alloc(12 * MiB)],
    ['b', Buffer.alloc(6 * MiB)],
  ]);
  await assert.rejects(
    makeFat({ file: join(folder, 'f'), size: 16 * MiB, label: 'BOOT', serial: serialOf('test', 'boot'), files }),
    { message: 'cannot put 18 MiB of files into the partition boot of 16 MiB' },
  );
});
