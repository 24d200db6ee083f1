/** A device of 32 bits from an image: U-Boot starts Debian's kernel for boards, containers run, and an update of the kernel is tried and kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeContainer } from '../../harness/revision.ts';
import { machineMissing } from '../harness.ts';
import { ImageDevice } from '../image-device.ts';

test('an image for armv7 boots with U-Boot, says what it is, and takes a revision with another kernel', {
  skip: machineMissing('armv7'),
  timeout: 1_800_000,
}, async (t) => {
  const app = probeContainer('app', ['init'], { group: 'app' });
  const device = await ImageDevice.create(t, { architecture: 'armv7', loader: 'u-boot', containers: [app] });
  const initramfs = device.account.entries.find(({ name }) => name === 'bsp/pantavisor')?.size ?? Number.NaN;
  assert.ok(initramfs <= 6_000_000, `the initramfs has ${initramfs} bytes`);
  const machine = await device.start(t);
  await device.ready();
  assert.equal((await device.control.containers()).find(({ name }) => name === 'app')?.status, 'STARTED');
  assert.equal((await device.control.deviceMetadata())['pantavisor.arch'], 'armv7l/32/EL');

  const kernel = await device.file('/trails/0/.pv/pv-kernel.img');
  assert.ok(kernel);
  const changes = { 'bsp/kernel.img': Buffer.concat([kernel, Buffer.alloc(512)]) };
  const from = await device.run('locals/kernel', device.revision('kernel', await device.factory(), changes));
  const { status, message } = await device.outcome('locals/kernel', from);
  assert.equal(status, 'DONE', message);
  assert.deepEqual(device.booted, ['0', 'locals/kernel']);
  await device.control.command('POWEROFF_DEVICE');
  assert.equal((await machine.ended).reason, 'power-off');
});
