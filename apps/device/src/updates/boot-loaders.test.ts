/** Updates on devices with a boot loader, which is simulated outside: it reads what is stored, names the revision, and remembers its trial. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grubEnvironment } from '../bootenv/grub.ts';
import { nextBoot } from '../bootenv/launcher.ts';
import type { BootEnvironment } from '../bootenv/port.ts';
import { fileBlockStore, ubootEnvironment } from '../bootenv/uboot.ts';
import type { MemoryHost } from '../host/memory/host.ts';
import { UpdateDevice, versioned } from './testing/update-device.ts';

const timeout = 30_000;
const board = (kernel: string) => ({
  'bsp/run.json': { linux: 'kernel.img', initrd: 'initrd.img', initrd_config: '' },
  'bsp/kernel.img': kernel,
  'bsp/initrd.img': 'initrd',
});
const initial = [versioned('web', 1), versioned('db', 1)];

const loaders: Record<string, (host: MemoryHost) => BootEnvironment> = {
  uboot: ({ files, text }) => ubootEnvironment({ store: fileBlockStore(files, '/data/boot/uboot.txt'), text }),
  grub: ({ files, text }) => grubEnvironment({ files, text, path: '/data/boot/grubenv' }),
};

for (const [type, open] of Object.entries(loaders)) {
  test(`${type}: a new kernel is tried once, and kept or given up`, { timeout }, async () => {
    const environment = { PV_SYSTEM_INIT_MODE: 'embedded', PV_BOOTLOADER_TYPE: type, pv_rev: '0' };
    const device = await UpdateDevice.install(initial, { environment }, board('kernel one'));
    let tried: string | undefined;
    const boot = async () => {
      await device.host.runFor(device.device.exited);
      const next = nextBoot(await open(device.host).read(), tried);
      tried = next.tried;
      // Had the power gone right now, the boot loader would find the same.
      const seen = device.host.machine.readAsLoader(`/data/boot/${type === 'grub' ? 'grubenv' : 'uboot.txt'}`);
      assert.deepEqual(seen, await device.host.files.read(`/data/boot/${type === 'grub' ? 'grubenv' : 'uboot.txt'}`));
      const kernel = `/data/trails/${next.revision}/.pv/pv-kernel.img`;
      assert.deepEqual(device.host.machine.readAsLoader(kernel), await device.host.files.read(kernel));
      device.restarted(device.device.restart({ ...environment, pv_rev: next.revision }));
      return next.revision;
    };

    await device.store('locals/good', initial, board('kernel two'));
    assert.equal(await device.command('LOCAL_RUN', 'locals/good'), '200');
    assert.equal(await boot(), 'locals/good');
    await device.until('locals/good', 'DONE');
    const kernel = await device.host.files.status('/data/trails/locals/good/.pv/pv-kernel.img');
    assert.equal(kernel?.links, 3, 'linked from the objects, the revision and the directory of the boot loader');
    assert.deepEqual(await open(device.host).read(), { committed: 'locals/good' });

    await device.store('locals/bad', [versioned('web', 2, 'ends at once'), versioned('db', 1)], board('kernel three'));
    await device.device.line(/the update to locals\/good has ended/);
    assert.equal(await device.command('LOCAL_RUN', 'locals/bad'), '200');
    assert.equal(await boot(), 'locals/bad');
    assert.equal(await boot(), 'locals/good');
    await device.device.ready();
    assert.equal((await device.progress('locals/bad')).status, 'ERROR');
    assert.deepEqual(await open(device.host).read(), { committed: 'locals/good' });
  });
}
