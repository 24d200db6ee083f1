/** The boot script under U-Boot itself: which revision, device tree and arguments it chooses. No kernel is started, so each run takes a moment. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assembleDisk } from '../../images/src/disk/assemble.ts';
import { makeExt4 } from '../../images/src/disk/ext4.ts';
import { makeFat } from '../../images/src/disk/fat.ts';
import { fixedTime } from '../../images/src/disk/tool.ts';
import { flatTree } from '../../images/src/loader/flat-tree.ts';
import { partitionOf, planDisk, tableOf } from '../../images/src/loader/layout.ts';
import { scriptImage, triedFile, ubootBlock, ubootScript } from '../../images/src/loader/uboot.ts';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { machineMissing, startMachine } from './harness.ts';

const uboot = '/usr/lib/u-boot/qemu_arm64/u-boot.bin';
const mebibyte = 1024 * 1024;

interface Board {
  /** Commands of U-Boot before the script: what the board's own environment would say. */
  environment?: string;
  /** Text of oemEnv.txt. */
  oemEnv?: string;
  /** Files in the storage by path. */
  files: Record<string, string | Uint8Array>;
  boot?: Record<string, string>;
  /** Text of pv.env. */
  tried?: string;
  deviceTree?: string;
}

/** The script with commands that tell what they were given in place of those that start a kernel. */
function tellingScript(deviceTree: string | undefined): string {
  const script = ubootScript({
    bootPartition: 1,
    storagePartition: 2,
    arguments: 'console=ttyAMA0',
    mostAddons: 2,
    ...(deviceTree === undefined ? {} : { deviceTree }),
  });
  return script
    .replaceAll(/\b(booti|bootz|bootm) (?=\$)/g, 'echo told: $1 ')
    .replaceAll('run pv_set_arguments', `run pv_set_arguments; echo told: arguments "\${bootargs}"`)
    .replace('sleep 5\nreset\n', 'echo told: end\npoweroff\n');
}

/** What the script does on a board, as it tells it. */
async function told(t: TestContext, { environment = '', oemEnv, files, boot = {}, tried, deviceTree }: Board) {
  const work = temporaryDirectory(t);
  const storage = join(work, 'storage');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(storage, path, '..'), { recursive: true });
    writeFileSync(join(storage, path), text);
  }
  mkdirSync(join(storage, 'boot'), { recursive: true });
  writeFileSync(join(storage, 'boot/uboot.txt'), ubootBlock(boot));
  const plan = planDisk({ name: 'script', loader: 'u-boot', storage: { size: 32 * mebibyte } });
  const [fat, ext4, disk] = ['fat', 'ext4', 'disk'].map((name) => join(work, name)) as [string, string, string];
  const onBoot = new Map<string, Uint8Array>([
    ['boot.scr', scriptImage(`${environment}\n${tellingScript(deviceTree)}`, fixedTime, 'aarch64')],
  ]);
  if (oemEnv !== undefined) onBoot.set('oemEnv.txt', Buffer.from(oemEnv));
  if (tried !== undefined) onBoot.set(triedFile, Buffer.from(tried));
  const [bootPlace, root] = [partitionOf(plan, 'boot'), partitionOf(plan, 'root')];
  await makeFat({ file: fat, size: bootPlace.size, label: 'BOOT', serial: 1, files: onBoot });
  await makeExt4({ file: ext4, size: root.size, label: 'root', uuid: root.uuid, folder: storage });
  const contents = [
    { offset: bootPlace.offset, file: fat },
    { offset: root.offset, file: ext4 },
  ];
  await assembleDisk(disk, plan.size, contents, tableOf('script', plan));
  const machine = await startMachine(t, {
    architecture: 'aarch64',
    memory: 256,
    boot: { kind: 'firmware', file: uboot },
    disks: [{ file: disk, snapshot: true }],
  });
  await machine.console.waitFor(/^told: end/m);
  await machine.kill();
  return [...machine.console.text.matchAll(/^(?:told|boot): ?(.*?) *\r?$/gm)].map(([, line]) => line ?? '');
}

/** A device tree that says nothing but kernel arguments. */
const deviceTree = (bootargs: string) => flatTree({ nodes: { chosen: { properties: { bootargs } } } });

const revision = (name: string, more: Record<string, string | Uint8Array> = {}) =>
  Object.fromEntries(
    Object.entries({ '.pv/pv-kernel.img': 'kernel', '.pv/pv-initrd.img': 'initramfs', ...more }).map(([path, text]) => [
      `trails/${name}/${path}`,
      text,
    ]),
  );
const usual = (rev: string, tail = '', attempt = '') =>
  `arguments console=ttyAMA0 root=/dev/ram rootfstype=ramfs rdinit=/usr/bin/pantavisor pv_try=${attempt} pv_rev=${rev} panic=2 pv_quickboot${tail}`;
const argumentsIn = (lines: string[]) =>
  lines.filter((line) => line.startsWith('arguments')).map((line) => line.replaceAll(/ +/g, ' '));

/** U-Boot for QEMU has no variable for it, since QEMU brings a device tree of its own. */
const place = 'setenv fdt_addr_r 0x48000000';

const skip = machineMissing('aarch64');

test('the kernel is told the device tree that U-Boot names, and one of the revision by that name is loaded', {
  skip,
  timeout: 300_000,
}, async (t) => {
  // More words than a command of U-Boot has arguments.
  const words = Array.from({ length: 70 }, (_, index) => `w${index}`).join(' ');
  const lines = await told(t, {
    environment: 'setenv findfdt setenv fdtfile maker/board.dtb\nsetenv localargs quiet',
    oemEnv: `oemargs=one=1 ${words}\n`,
    files: revision('0', { 'bsp/maker/board.dtb': 'no device tree' }),
  });
  assert.deepEqual(argumentsIn(lines), [usual('0', ` pv_bootloader.dtb=maker/board.dtb one=1 ${words} quiet`)]);
  assert.match(lines.join('\n'), /^booti 0x40400000 0x44000000:9 0x40000000$/m, lines.join('\n'));
});

test('oemEnv.txt has the last word on the name; the tree that the revision links is loaded, with arguments that lie in it', {
  skip,
  timeout: 300_000,
}, async (t) => {
  const lines = await told(t, {
    environment: `${place}\nsetenv fdtfile maker/board.dtb`,
    oemEnv: 'pv_dtb=maker/variant.dtb\noemargs=one=1\n',
    deviceTree: 'recipe.dtb',
    files: revision('0', {
      '.pv/pv-fdt.dtb': deviceTree('quiet panic=9'),
      'bsp/maker/variant.dtb': 'no device tree',
      '.pv/pv-initrd.img.0': 'addon',
    }),
  });
  assert.deepEqual(argumentsIn(lines), [usual('0', ' pv_bootloader.dtb=maker/variant.dtb quiet panic=9 one=1')]);
  assert.match(lines.join('\n'), /^booti 0x40400000 0x44000000:e 0x48000000$/m);
});

test('the tree of the recipe is named when nobody names another; nothing is told about none', {
  skip,
  timeout: 300_000,
}, async (t) => {
  const named = await told(t, { deviceTree: 'recipe.dtb', files: revision('0') });
  assert.deepEqual(argumentsIn(named), [usual('0', ' pv_bootloader.dtb=recipe.dtb')]);
  assert.deepEqual(argumentsIn(await told(t, { files: revision('0') })), [usual('0')]);
});

test('of a FIT the configuration of the device tree is taken, else the one that the FIT itself prefers', {
  skip,
  timeout: 300_000,
}, async (t) => {
  const lines = await told(t, {
    environment: 'setenv fdtfile maker/board.dtb',
    files: { 'trails/0/bsp/pantavisor.fit': 'a FIT' },
  });
  assert.deepEqual(lines.slice(1), [
    usual('0', ' pv_bootloader.dtb=maker/board.dtb pv_bootloader.fitconfig=conf-maker_board.dtb'),
    'bootm 0x44000000#conf-maker_board.dtb',
    usual('0', ' pv_bootloader.dtb=maker/board.dtb'),
    'bootm 0x44000000',
    'revision 0 cannot be started',
    'end',
  ]);
  const hooked = await told(t, {
    environment: 'setenv get_fit_config setenv name_fit_config own',
    files: revision('0', { '.pv/pantavisor.fit': 'a FIT' }),
  });
  assert.deepEqual(argumentsIn(hooked), [usual('0', ' pv_bootloader.fitconfig=own'), usual('0')]);
});

test('what is tried is tried once, and what comes after it has arguments of its own', {
  skip,
  timeout: 300_000,
}, async (t) => {
  const files = {
    ...revision('3', { '.pv/pv-fdt.dtb': deviceTree('from=tree') }),
    ...revision('2'),
  };
  const boot = { pv_rev: '2', pv_try: '3' };
  const first = await told(t, { files, boot, environment: place });
  assert.deepEqual(argumentsIn(first), [usual('3', ' from=tree', '3'), usual('2', '', '3')]);
  const second = await told(t, { files, boot, tried: 'pv_trying=3\n\0' });
  assert.deepEqual(argumentsIn(second), [usual('2', '', '3')]);
});
