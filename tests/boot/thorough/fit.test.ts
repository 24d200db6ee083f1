/**
 * A board of one's own under real U-Boot: a kernel of one's own with a device tree, in a FIT; variables of its maker in a partition; and a revision after that
 * which has loose files again. The device tree is that of QEMU's machine with another name.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { debianKernel } from '@pantavisor/images/debian';
import { bspNames } from '../../../images/src/factory/bsp.ts';
import { temporaryDirectory } from '../../harness/cleanup.ts';
import { probeContainer } from '../../harness/revision.ts';
import { debianCache, machineMissing } from '../harness.ts';
import { ImageDevice } from '../image-device.ts';

const memory = 256;
const uboot = '/usr/lib/u-boot/qemu_arm64/u-boot.bin';
const [usualName, ourName] = ['linux,dummy-virt', 'maker,board-virt'];

/** The tree that QEMU makes for its machine, of a board with another name of the same length. */
function boardTree(file: string): Uint8Array {
  // With a firmware it has other devices than without.
  const machine = ['-machine', `virt,dumpdtb=${file}`, '-bios', uboot, '-cpu', 'cortex-a57', '-m', `${memory}`];
  execFileSync('qemu-system-aarch64', [...machine, '-display', 'none'], { stdio: 'pipe' });
  const tree = readFileSync(file);
  assert.ok(tree.includes(usualName), 'QEMU calls its machine otherwise');
  for (let at = tree.indexOf(usualName); at >= 0; at = tree.indexOf(usualName)) tree.write(ourName, at, 'latin1');
  return tree;
}

test('a board of one’s own boots a FIT with its device tree, gets its drivers, and goes on to a revision with loose files', {
  skip: machineMissing('aarch64'),
  timeout: 3_600_000,
}, async (t) => {
  const out = temporaryDirectory(t);
  const { image, modules } = await debianKernel('arm64', debianCache);
  const dtb = join(out, 'board.dtb');
  const tree = boardTree(join(out, 'dumped.dtb'));
  writeFileSync(dtb, tree);
  const drivers = { required: ['memory', 'dog'], optional: [], manual: [] };
  const device = await ImageDevice.create(t, {
    architecture: 'aarch64',
    loader: 'u-boot',
    containers: [probeContainer('needs', ['init'], { group: 'app', runJson: { drivers } })],
    memory,
    seconds: 3600,
    recipe: {
      kernel: { image, modules, fdt: { 'maker/other.dtb': dtb, 'maker/board.dtb': dtb } },
      boot: {
        fit: '0x40400000',
        oem: { fdt_addr_r: '0x48000000', fdtfile: 'maker/board.dtb', oemargs: 'oem.word=first oem.other=second' },
      },
      drivers: {
        memory: ['no_such_module'],
        'dtb:maker/board.dtb': { memory: ['zram num_devices=3'] },
        'dtb:maker/other.dtb': { memory: ['no_such_module'] },
        'fitconfig:conf-maker_board.dtb': { dog: ['softdog soft_margin=43'] },
      },
    },
  });
  const { console } = await device.start(t);
  await device.ready();
  assert.match(console.text, /Using 'conf-maker_board\.dtb' configuration/);
  assert.match(console.text, /sha256\+ OK/);
  assert.match(console.text, /Machine model: maker,board-virt/);
  const [, words = ''] = /Kernel command line: (.*)/.exec(console.text) ?? [];
  const told = ['pv_bootloader.dtb=maker/board.dtb', 'pv_bootloader.fitconfig=conf-maker_board.dtb'];
  for (const word of [...told, 'oem.word=first', 'oem.other=second']) assert.ok(words.includes(word), words);
  assert.match(console.text, /softdog: initialized\. .* soft_margin=43 /);
  assert.match(console.text, /zram: Added device: zram2/);

  // The FIT gives way to files of their own; its device tree is found by its name.
  const factory = await device.factory();
  const fit = join(out, 'fit');
  writeFileSync(fit, (await device.file(`/trails/0/bsp/${bspNames.fit}`)) ?? '');
  // Behind the two device trees.
  execFileSync('dumpimage', ['-T', 'flat_dt', '-p', '2', '-o', `${fit}.ramdisk`, fit], { stdio: 'pipe' });
  const loose = device.revision('loose', factory, {
    'bsp/pantavisor.fit': undefined,
    'bsp/kernel.img': readFileSync(image),
    'bsp/pantavisor': readFileSync(`${fit}.ramdisk`),
    'bsp/maker/board.dtb': tree,
    'bsp/run.json': {
      ...(factory['bsp/run.json'] as object),
      fit: undefined,
      linux: bspNames.kernel,
      initrd: bspNames.initramfs,
    },
  });
  const from = await device.run('locals/loose', loose);
  const outcome = await device.outcome('locals/loose', from);
  assert.deepEqual(outcome.status, 'DONE', outcome.message);
  assert.deepEqual(device.booted, ['0', 'locals/loose']);
  const later = device.machine.console.text.slice(from);
  assert.match(later, /Machine model: maker,board-virt/);
  assert.match(later, /zram: Added device: zram2/);
  assert.doesNotMatch(later, /fitconfig=/);
});
