import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fixedTime } from '../disk/tool.ts';
import { grubBlock, grubForBios, grubForEfi, grubScript } from './grub.ts';
import { scriptImage, ubootBlock, ubootScript } from './uboot.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pv-loader-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("an environment block is one for GRUB's own tool", (t) => {
  const file = join(folderOf(t), 'grubenv');
  writeFileSync(file, grubBlock({ pv_rev: '0' }));
  assert.equal(execFileSync('grub-editenv', [file, 'list'], { encoding: 'utf8' }), 'pv_rev=0\n');
  assert.equal(readFileSync(file).length, 1024);
});

test("GRUB's script has no mistake that its own checker finds", (t) => {
  const file = join(folderOf(t), 'grub.cfg');
  writeFileSync(file, grubScript({ storagePartition: 3, arguments: 'console=ttyS0', mostAddons: 4 }));
  execFileSync('grub-script-check', [file]);
});

test('programs of GRUB are the same each time', async () => {
  const [first, second] = await Promise.all([grubForEfi(), grubForEfi()]);
  assert.deepEqual(first, second);
  assert.equal(Buffer.from(first.subarray(0, 2)).toString(), 'MZ');
  const place = { offset: 1024 * 1024, size: 1024 * 1024 };
  const [sector, core] = await grubForBios(place, 2);
  assert.deepEqual([sector, core], await grubForBios(place, 2));
  assert.equal(Buffer.from(sector?.bytes ?? []).readBigUInt64LE(0x5c), 2048n);
  await assert.rejects(grubForBios({ offset: 1024 * 1024, size: 512 }, 2), /cannot put GRUB's core of \d+ bytes/);
});

for (const [architecture, name] of [
  ['aarch64', 'arm64'],
  ['armv7', 'arm'],
] as const)
  test(`a boot script for ${architecture} is what U-Boot's own tool makes, byte for byte`, (t) => {
    const folder = folderOf(t);
    const text = ubootScript({ bootPartition: 1, storagePartition: 2, arguments: 'console=ttyAMA0', mostAddons: 4 });
    writeFileSync(join(folder, 'text'), text);
    const kind = ['-A', name, '-O', 'linux', '-T', 'script', '-C', 'none', '-n', 'pantavisor'];
    execFileSync('mkimage', [...kind, '-d', join(folder, 'text'), join(folder, 'boot.scr')], {
      env: { ...process.env, SOURCE_DATE_EPOCH: `${fixedTime}` },
    });
    assert.deepEqual(Buffer.from(scriptImage(text, fixedTime, architecture)), readFileSync(join(folder, 'boot.scr')));
  });

test('the boot state of U-Boot is texts that end with NUL', () => {
  const block = ubootBlock({ pv_rev: '0' });
  assert.equal(block.length, 65536);
  assert.equal(Buffer.from(block.subarray(0, 10)).toString('latin1'), 'pv_rev=0\0\0');
});
