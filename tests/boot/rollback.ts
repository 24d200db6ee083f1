/** What a device does with revisions that do not hold, whichever boot loader it has. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { probeContainer } from '../harness/revision.ts';
import { otherRuntime } from './bsp.ts';
import { type DeviceRequest, ImageDevice } from './image-device.ts';

/** A revision that does not hold, and what becomes of it. */
interface Fault {
  name: string;
  changes: (device: ImageDevice) => Promise<Record<string, unknown>>;
  /** Whether it is booted before it fails. */
  booted: boolean;
  message: RegExp;
  /** On the console. */
  seen: RegExp;
}

const faults: readonly Fault[] = [
  {
    name: 'a kernel that panics',
    changes: async () => ({ 'bsp/pantavisor': Buffer.from('no initramfs at all') }),
    booted: true,
    message: /Unexpected rollback/,
    seen: /Kernel panic - not syncing/,
  },
  {
    name: 'a kernel that is none',
    changes: async () => ({ 'bsp/kernel.img': Buffer.from('no kernel at all') }),
    booted: true,
    message: /Unexpected rollback/,
    seen: /boot: revision \S+ cannot be started\s+boot: going back to revision 0/,
  },
  {
    name: 'a runtime that dies',
    changes: async (device) => ({ 'bsp/pantavisor': await otherRuntime(device, { PV_POLICY: 'missing' }) }),
    booted: true,
    message: /Unexpected rollback/,
    seen: /cannot read the policy missing[\s\S]*the runtime has ended 5 times within minutes: the machine restarts/,
  },
  {
    name: 'a container that fails',
    changes: async () => ({
      'app/lxc.container.conf': Buffer.from('lxc.init.cmd = /nothing\nlxc.rootfs.path = dir:/nowhere\n'),
      'bsp/extra': Buffer.from('changes of the board support part need a reboot'),
    }),
    booted: true,
    message: /A container could not be started|Status goal not reached/,
    seen: /progress\.write \S+: ERROR/,
  },
];

/** Installs one revision after the other that does not hold; each time the device is back on its first one. */
export async function everyFaultRollsBack(t: TestContext, request: Omit<DeviceRequest, 'containers'>): Promise<void> {
  const device = await ImageDevice.create(t, {
    ...request,
    containers: [probeContainer('app', ['init'], { group: 'app' })],
  });
  const factory = await device.factory();
  const { console } = await device.start(t);
  await device.ready();
  for (const [index, { name, changes, booted, message, seen }] of faults.entries()) {
    await t.test(name, async () => {
      const revision = `locals/fault-${index}`;
      const files = device.revision(`fault-${index}`, factory, await changes(device));
      const before = device.booted.length;
      const mark = await device.run(revision, files);
      const { status, message: told } = await device.outcome(revision, mark);
      assert.equal(status, 'ERROR', told);
      assert.match(told, message);
      await console.waitFor(/boot: revision 0\n/, { from: mark, seconds: 600 });
      await device.ready(console.text.lastIndexOf('boot: revision 0'));
      if (booted) assert.deepEqual(device.booted.slice(before), [revision, '0']);
      assert.match(console.text.slice(mark), seen);
    });
  }
  // And one that holds, after all that.
  await t.test('the power goes as soon as a revision is armed', async () => {
    const good = device.revision('good', factory, {
      'bsp/pantavisor': await otherRuntime(device, { PV_LOG_LEVEL: '5' }),
      'bsp/armed': Buffer.from('nothing but what the update brought'),
    });
    const mark = await device.run('locals/good', good);
    await console.waitFor(/reboot into locals\/good/, { from: mark, seconds: 600 });
    await device.machine.kill();
    const before = device.booted.length;
    await device.start(t);
    const { status, message } = await device.outcome('locals/good', 0);
    assert.equal(status, 'DONE', message);
    assert.deepEqual(device.booted.slice(before), ['locals/good']);
  });
}
