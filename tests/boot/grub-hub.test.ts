/** A device from the disk image: from GRUB to containers, claimed on a real hub, and updated from there in all ways that there are. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HubAccount } from '../harness/hub-account.ts';
import { probeContainer } from '../harness/revision.ts';
import { otherRuntime } from './bsp.ts';
import { machineMissing } from './harness.ts';
import { ImageDevice } from './image-device.ts';

const skip = machineMissing();

test('a device joins a hub and takes containers in place, a runtime by a try boot, and neither of a kernel that panics', {
  skip,
  timeout: 1_800_000,
}, async (t) => {
  const account = await HubAccount.open(t);
  const hub = {
    PH_CREDS_HOST: 'http://10.0.2.2',
    PH_CREDS_PORT: account.port,
    PH_FACTORY_AUTOTOK: await account.joinToken(),
  };
  const device = await ImageDevice.create(t, { containers: [probeContainer('app', ['init'], { group: 'app' })], hub });
  const factory = await device.factory();
  const objects = device.factoryObjects();
  const { console } = await device.start(t);
  await device.ready();
  await console.waitFor(/Hub client goes from .* to idle/, { seconds: 600 });
  const { id } = await account.device();

  const post = async (name: string, changes: Record<string, unknown>) => {
    const { mark } = console;
    const revision = await account.post(id, device.revision(name, factory, changes, objects));
    return { revision, ...(await device.outcome(revision, mark)) };
  };
  const page = { '_config/app/etc/page': Buffer.from('second') };
  const inPlace = await post('in-place', page);
  assert.equal(inPlace.status, 'UPDATED', inPlace.message);
  assert.deepEqual(device.booted, ['0'], 'containers alone need no reboot');

  const runtime = await otherRuntime(device, { PV_UPDATER_COMMIT_DELAY: '3' });
  const kernel = Buffer.concat([readFileSync(join(objects, String(factory['bsp/kernel.img']))), Buffer.alloc(512)]);
  const whole = { ...page, 'bsp/pantavisor': runtime, 'bsp/kernel.img': kernel };
  const reboot = await post('runtime', whole);
  assert.equal(reboot.status, 'DONE', reboot.message);
  assert.deepEqual(device.booted, ['0', reboot.revision]);
  const delay = (await device.control.config()).find(({ key }) => key === 'PV_UPDATER_COMMIT_DELAY');
  assert.equal(delay?.value, '3', 'the new runtime runs');

  const panic = await post('panic', { ...whole, 'bsp/pantavisor': Buffer.from('no initramfs at all') });
  assert.equal(panic.status, 'ERROR');
  assert.deepEqual(device.booted, ['0', reboot.revision, panic.revision, reboot.revision]);
  assert.match(device.text, /Kernel panic - not syncing/);
  const told = await account.ended(id, panic.revision);
  assert.match(told['status-msg'], /Unexpected rollback/);
});
