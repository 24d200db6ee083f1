/** Images of every layout: built, the same twice, and looked into with the tools of others. Nothing is booted. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { buildImage, type ImageAccount, readRecipe, readStorageFile } from '@pantavisor/images/images';
import { inspectImage } from '../../images/src/run/inspect.ts';
import { writeRepository } from '../../scripts/start/demo-repository.ts';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { probeContainer } from '../harness/revision.ts';
import { imageCache } from './harness.ts';

async function built(t: TestContext, more: Record<string, unknown>): Promise<{ image: string; account: ImageAccount }> {
  const work = temporaryDirectory(t);
  const parts = [
    await writeRepository(join(work, 'parts'), [probeContainer('app', ['init'], { group: 'app' })], 'x86_64'),
  ];
  const text = {
    '#spec': 'pantavisor-image@1',
    name: 'layout',
    architecture: 'x86_64',
    parts,
    compression: 'fast',
    storage: { size: '128M' },
    ...more,
  };
  const { recipe, problems } = readRecipe(JSON.stringify(text), join(work, 'recipe.json'));
  assert.ok(recipe, JSON.stringify(problems));
  const image = join(work, 'image');
  return { image, account: await buildImage(recipe, { image, cache: imageCache, say: () => {} }) };
}

const placeOf = ({ partitions }: ImageAccount, name: string) => {
  const found = partitions.find((partition) => partition.name === name);
  assert.ok(found, name);
  return found;
};

const onFat = (image: string, offset: number, path: string) =>
  execFileSync('mtype', ['-i', `${image}@@${offset}`, `::/${path}`]);

/** An image that came without its account is still one that can be run. */
async function isKnownByItself(image: string, { architecture, loader }: ImageAccount): Promise<void> {
  const found = await inspectImage(image);
  assert.deepEqual([found?.architecture, found?.loader], [architecture, loader]);
}

test('an image with GRUB is the same each time, sound, and holds what its account says', {
  timeout: 900_000,
}, async (t) => {
  const first = await built(t, {});
  const second = await built(t, {});
  assert.equal(first.account.sha256, second.account.sha256);
  assert.deepEqual(first.account, second.account);
  const { image, account } = first;
  assert.equal(statSync(image).size, account.size);
  execFileSync('sfdisk', ['--verify', image], { stdio: 'pipe' });
  await isKnownByItself(image, account);
  const { offset } = placeOf(account, 'root');
  execFileSync('e2fsck', ['-fn', `${image}?offset=${offset}`], { stdio: 'pipe' });
  const state = JSON.parse(String(await readStorageFile({ image, offset }, '/trails/0/.pvr/json'))) as Record<
    string,
    unknown
  >;
  assert.deepEqual(state['bsp/run.json'], {
    addons: ['modules.cpio.zst'],
    initrd: 'pantavisor',
    initrd_config: '',
    linux: 'kernel.img',
    modules: 'modules.squashfs',
  });
  for (const entry of account.entries)
    if (entry.place === 'state' && entry.sha256) assert.equal(state[entry.name], entry.sha256);
  const links = execFileSync('debugfs', ['-R', 'stat /trails/0/.pv/pv-kernel.img', `${image}?offset=${offset}`], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  assert.match(links, /Links: 3/);
  assert.ok(await readStorageFile({ image, offset }, '/trails/0/.pv/pv-initrd.img.0'), 'the addon is linked');
  assert.match(
    String(await readStorageFile({ image, offset }, '/boot/grubenv')),
    /^# GRUB Environment Block\npv_rev=0\n#+$/,
  );
});

test('a kernel of one’s own and the files of a board go into an image for Raspberry Pi', {
  timeout: 900_000,
}, async (t) => {
  const board = temporaryDirectory(t);
  mkdirSync(join(board, '6.6.30/kernel'), { recursive: true });
  for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'])
    writeFileSync(join(board, '6.6.30', name), '');
  for (const name of ['Image', 'bcm2711-rpi-4-b.dtb', 'start4.elf'])
    writeFileSync(join(board, name), `the file ${name}`);
  const { image, account } = await built(t, {
    architecture: 'aarch64',
    loader: 'rpi',
    kernel: { image: join(board, 'Image'), modules: join(board, '6.6.30'), fdt: join(board, 'bcm2711-rpi-4-b.dtb') },
    arguments: 'console=serial0,115200',
    boot: { files: { 'start4.elf': join(board, 'start4.elf') } },
  });
  execFileSync('sfdisk', ['--verify', image], { stdio: 'pipe' });
  await isKnownByItself(image, account);
  assert.equal(
    onFat(image, placeOf(account, 'bootsel').offset, 'autoboot.txt').toString(),
    '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n\0',
  );
  for (const name of ['boot_a', 'boot_b']) {
    const { offset, size } = placeOf(account, name);
    assert.equal(onFat(image, offset, 'start4.elf').toString(), 'the file start4.elf');
    assert.equal(onFat(image, offset, 'kernel.img').toString(), 'the file Image');
    assert.match(onFat(image, offset, 'config.txt').toString(), /^initramfs pantavisor followkernel$/m);
    assert.match(
      onFat(image, offset, 'cmdline.txt').toString(),
      /^console=serial0,115200 .*PV_BOOTLOADER_TYPE=rpiab .*rdinit=\/usr\/bin\/pantavisor\n$/,
    );
    const partition = join(board, name);
    writeFileSync(partition, readFileSync(image).subarray(offset, offset + size));
    execFileSync('fsck.vfat', ['-n', partition], { stdio: 'pipe' });
  }
  assert.equal(onFat(image, placeOf(account, 'boot_a').offset, 'pv_rev.txt').toString(), '0\n');
  assert.throws(() => onFat(image, placeOf(account, 'boot_b').offset, 'pv_rev.txt'));
  const { offset } = placeOf(account, 'root');
  const update = await readStorageFile({ image, offset }, '/trails/0/.pv/rpiboot.img.gz');
  assert.equal(gunzipSync(update ?? '').length, placeOf(account, 'boot_b').size, 'an update writes a whole partition');
  const state = JSON.parse(String(await readStorageFile({ image, offset }, '/trails/0/.pvr/json'))) as Record<
    string,
    unknown
  >;
  assert.deepEqual(state['bsp/run.json'], {
    'modules_6.6.30': 'modules_6.6.30.squashfs',
    rpiab: 'pantavisor-rpi.img.gz',
  });
});

test('an image for U-Boot leaves room for the board’s own boot loader and places it', {
  timeout: 900_000,
}, async (t) => {
  const board = temporaryDirectory(t);
  writeFileSync(join(board, 'Image'), 'kernel');
  writeFileSync(join(board, 'flash.bin'), 'U-Boot itself');
  const recipe = { architecture: 'aarch64', kernel: { image: join(board, 'Image') } };
  const { image, account } = await built(t, { ...recipe, boot: { raw: { '33792': join(board, 'flash.bin') } } });
  assert.equal(readFileSync(image).subarray(33792, 33805).toString(), 'U-Boot itself');
  await isKnownByItself(image, account);
  const { offset } = placeOf(account, 'boot');
  const script = onFat(image, offset, 'boot.scr');
  writeFileSync(join(board, 'boot.scr'), script);
  assert.match(execFileSync('mkimage', ['-l', join(board, 'boot.scr')], { encoding: 'utf8' }), /AArch64 Linux Script/);
  await assert.rejects(
    built(t, { ...recipe, boot: { raw: { '8388000': join(board, 'Image'), '8388606': join(board, 'Image') } } }),
    /boot\.raw\.8388606 does not fit: 6 bytes at 8388606, and there is room from 512 to 8388608/,
  );
});
