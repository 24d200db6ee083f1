/** A device from an image without a boot loader: QEMU is handed kernel and initramfs of the revision that the storage names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeContainer } from '../../harness/revision.ts';
import { machineMissing } from '../harness.ts';
import { ImageDevice } from '../image-device.ts';

test('an image without a boot loader boots, is reached, and takes a revision with another kernel', {
  skip: machineMissing(),
  timeout: 1_800_000,
}, async (t) => {
  const app = probeContainer('app', ['init'], { group: 'app' });
  const device = await ImageDevice.create(t, { loader: 'none', containers: [app] });
  assert.deepEqual(
    device.account.partitions.map(({ name }) => name),
    ['root'],
  );
  const machine = await device.start(t);
  await device.ready();
  assert.match(device.text, /Kernel command line: .*rdinit=\/usr\/bin\/pantavisor pv_rev=0 pv_try=/);
  assert.equal((await device.control.containers()).find(({ name }) => name === 'app')?.status, 'STARTED');

  const kernel = await device.file('/trails/0/.pv/pv-kernel.img');
  assert.ok(kernel);
  const changes = { 'bsp/kernel.img': Buffer.concat([kernel, Buffer.alloc(512)]) };
  const from = await device.run('locals/kernel', device.revision('kernel', await device.factory(), changes));
  const { status, message } = await device.outcome('locals/kernel', from);
  assert.equal(status, 'DONE', message);
  assert.match(machine.console.text.slice(from), /Kernel command line: .*pv_rev=locals\/kernel pv_try=locals\/kernel/);
  await device.control.command('POWEROFF_DEVICE');
  assert.equal((await machine.ended).reason, 'power-off');
});
