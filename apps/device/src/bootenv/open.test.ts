import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import { Failure } from '../runtime/failure.ts';
import { makeTree, writeDurable } from '../storage/durable.ts';
import { storageLayout } from '../storage/layout.ts';
import { type BootOptions, openBootEnvironment } from './open.ts';
import { formatImage } from './uboot-env-image.ts';

const layout = storageLayout({ storage: '/storage', logs: '/storage/logs' });

function machine(config: Partial<BootOptions['config']>) {
  const host = createMemoryHost();
  const options: BootOptions = {
    host,
    layout,
    running: '0',
    mountPoint: '/mnt',
    config: {
      PV_BOOTLOADER_TYPE: 'uboot',
      PV_BOOTLOADER_MTD_ENV: undefined,
      PV_BOOTLOADER_MTD_ONLY: false,
      PV_BOOTLOADER_UBOOTAB_A_NAME: 'fitA',
      PV_BOOTLOADER_UBOOTAB_B_NAME: 'fitB',
      PV_BOOTLOADER_UBOOTAB_ENV_NAME: undefined,
      PV_BOOTLOADER_UBOOTAB_ENV_BAK_NAME: undefined,
      PV_BOOTLOADER_UBOOTAB_ENV_OFFSET: 0,
      PV_BOOTLOADER_UBOOTAB_ENV_SIZE: 0,
      PV_SYSTEM_INIT_MODE: 'embedded',
      PV_SYSTEM_ETCDIR: '/etc',
      ...config,
    },
  };
  const open = async () => {
    await makeTree(host.files, layout.root);
    return openBootEnvironment(options);
  };
  return { host, files: host.files, open };
}

async function addFlash({ files }: ReturnType<typeof machine>, names: string[]): Promise<void> {
  const lines = names.map((name, index) => `mtd${index}: 00020000 00010000 "${name}"\n`);
  await files.write('/proc/mtd', `dev:    size   erasesize  name\n${lines.join('')}`);
  await makeTree(files, '/dev');
  for (const index of names.keys()) await files.write(`/dev/mtd${index}`, new Uint8Array(0x20000).fill(0xff));
}

const isMissing = (error: unknown) => error instanceof Failure && error.code === 'boot-flash-missing';

test('each boot loader has its own file, and none touches that of another', async () => {
  for (const [type, name] of [
    ['uboot', 'uboot.txt'],
    ['uboot-pvk', 'uboot.txt'],
    ['grub', 'grubenv'],
  ] as const) {
    const { files, open } = machine({ PV_BOOTLOADER_TYPE: type });
    await (await open()).armTry('1');
    assert.deepEqual(
      (await files.list(layout.boot)).map((entry) => entry.name),
      [name],
    );
    const others = ['uboot.txt', 'grubenv', 'rpiab.txt', 'pv_trying'].filter((other) => other !== name);
    for (const other of others) await files.write(`${layout.boot}/${other}`, `of another: ${other}`);
    const environment = await open();
    await environment.commit('1');
    await environment.armTry('2');
    await environment.clearTry();
    for (const other of others)
      assert.equal(await files.readText(`${layout.boot}/${other}`), `of another: ${other}`, `${type}: ${other}`);
  }
});

test('the launcher of the app engine reads the file of U-Boot, whatever is configured', async () => {
  const one = machine({ PV_BOOTLOADER_TYPE: 'uboot-ab', PV_SYSTEM_INIT_MODE: 'appengine' });
  await (await one.open()).commit('locals/x');
  assert.match(await one.files.readText(`${layout.boot}/uboot.txt`), /^pv_rev=locals\/x\0pv_try=\0/);
});

test('U-Boot without a file system keeps its block in flash', async () => {
  const one = machine({ PV_BOOTLOADER_MTD_ONLY: true });
  await assert.rejects(one.open(), isMissing);
  await addFlash(one, ['u-boot', 'pv-env']);
  await (await one.open()).armTry('2');
  assert.match(await one.files.readText('/dev/mtd1'), /^pv_try=2\0/);
  assert.deepEqual(await (await one.open()).read(), { trying: '2' });
});

test('a commit erases what the boot script remembers in flash', async () => {
  const one = machine({ PV_BOOTLOADER_MTD_ENV: 'memory' });
  await addFlash(one, ['memory']);
  await one.files.overwrite('/dev/mtd0', new TextEncoder().encode('pv_trying=2\0\0'), 0);
  await (await one.open()).commit('2');
  assert.deepEqual((await one.files.read('/dev/mtd0')).slice(0, 4), new Uint8Array(4).fill(0xff));
});

test('flash that is a device is erased by its program', async () => {
  const one = machine({ PV_BOOTLOADER_MTD_ENV: 'memory' });
  await one.files.write('/proc/mtd', 'mtd7: 00020000 00010000 "memory"\n');
  const ran: string[][] = [];
  one.host.machine.programs.set('flash_erase', (argv) => {
    ran.push(argv);
    return {};
  });
  await (await one.open()).commit('2');
  assert.deepEqual(ran, [['flash_erase', '-q', '/dev/mtd7', '0', '1']]);
});

test('uboot-ab finds its partitions by name, and leaves a description for the tools', async () => {
  const one = machine({
    PV_BOOTLOADER_TYPE: 'uboot-ab',
    PV_BOOTLOADER_UBOOTAB_ENV_NAME: 'env',
    PV_BOOTLOADER_UBOOTAB_ENV_BAK_NAME: 'env-bak',
    PV_BOOTLOADER_UBOOTAB_ENV_SIZE: 0x4000,
  });
  await addFlash(one, ['env', 'env-bak', 'fitA']);
  await assert.rejects(one.open(), isMissing);
  await addFlash(one, ['env', 'env-bak', 'fitA', 'fitB']);
  const { files, host } = one;
  await files.overwrite('/dev/mtd0', formatImage({ flag: 3, entries: [] }, 0x4000, host.text), 0);
  await files.overwrite('/dev/mtd2', new TextEncoder().encode('fit_rev=0\0'), 0);
  await makeTree(files, '/etc');
  await makeTree(files, '/fit');
  await writeDurable(files, '/fit/pantavisor.fit', 'image');
  const environment = await one.open();
  await environment.install('1', '/fit');
  await environment.armTry('1');
  assert.deepEqual(await (await one.open()).read(), { committed: '0', trying: '1' });
  assert.match(await files.readText('/dev/mtd3'), /^fit_rev=1\0/);
  assert.match(await files.readText('/etc/fw_env.config'), /\n\/dev\/mtd1\t0x0\t0x4000\t0x10000\t0x1\n$/);
});
