import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fitImage } from './fit.ts';

test('U-Boot’s own tools understand a FIT and find in it what was put in', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pv-fit-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const kernel = Buffer.from('the kernel itself');
  const trees = new Map([
    ['maker/board.dtb', Buffer.from('one tree')],
    ['maker/other.dtb', Buffer.from('another')],
  ]);
  const request = {
    architecture: 'aarch64',
    initramfs: Buffer.from('initramfs'),
    trees,
    address: 0x40400000,
    time: 315532800,
  } as const;
  const fit = fitImage({ ...request, kernel });
  assert.deepEqual(fitImage({ ...request, kernel: gzipSync(kernel) }), fit, 'a compressed kernel is unpacked');
  const file = join(folder, 'fit');
  writeFileSync(file, fit);
  const list = execFileSync('dumpimage', ['-l', file], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
  assert.match(list, /^Created: +Tue Jan +1 00:00:00 1980$/m);
  assert.match(list, /Default Configuration: 'conf-maker_board\.dtb'/);
  assert.match(
    list,
    /Configuration 1 \(conf-maker_other\.dtb\)\n +Description: +maker\/other\.dtb\n +Kernel: +kernel-1\n +Init Ramdisk: ramdisk-1\n +FDT: +fdt-2/,
  );
  assert.match(
    list,
    /Image 3 \(kernel-1\)[\s\S]*Type: +Kernel Image\n[\s\S]*Load Address: 0x40400000\n +Entry Point: +0x40400000/,
  );
  const parts = ['one tree', 'another', 'initramfs', 'the kernel itself'];
  for (const [index, content] of parts.entries()) {
    const out = join(folder, `${index}`);
    execFileSync('dumpimage', ['-T', 'flat_dt', '-p', `${index}`, '-o', out, file], { stdio: 'pipe' });
    assert.equal(readFileSync(out, 'utf8'), content);
  }
  assert.throws(() => fitImage({ ...request, kernel, trees: new Map() }), /cannot make a FIT without a device tree/);
});
