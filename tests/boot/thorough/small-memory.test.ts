/**
 * Ten small containers in machines with little memory. What the kernel leaves and what the device takes of it is measured inside.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { webContainer } from '../../../containers/web/recipe.ts';
import { probeContainer } from '../../harness/revision.ts';
import { assertSound, storageDisk } from '../device-image.ts';
import { machineMissing } from '../harness.ts';
import { ImageDevice } from '../image-device.ts';
import { boot, inside, powerOff, ready } from '../shell.ts';

const minute = 60_000;
/** Last numbers of addresses of web servers, beside which there are containers for the network and for the control socket. */
const hostNumbers = [10, 11, 12, 13, 14, 15, 16, 17];

test('ten containers run, answer and go on answering in 64 MiB on armv7', {
  skip: machineMissing('armv7'),
  timeout: 1_800_000,
}, async (t) => {
  // As docs/images.md says for such devices: no terminals for programs that log people in.
  const lxcLines = ['lxc.tty.max = 0'];
  const containers = hostNumbers.map((number) => ({ ...webContainer(number), name: `app${number}`, lxcLines }));
  // QEMU loads kernel and initramfs by itself: boot loaders for QEMU's machines have addresses in mind that lie above 64 MiB.
  const request = { architecture: 'armv7', loader: 'none', memory: 64, config: { PV_DEBUG_SHELL: '1' } } as const;
  const device = await ImageDevice.create(t, { ...request, containers });
  const machine = await device.start(t);
  await device.ready();
  machine.console.send('\n');
  await machine.console.waitFor(/^\/ # /m);

  const page = (number: number) => `wget -qO- http://10.0.3.${number}:8080/`;
  // A container runs before its server listens.
  await inside(machine, hostNumbers.map((number) => `until ${page(number)} >/run/page; do sleep 1; done`).join('; '));
  await pause(minute);
  const pages = await inside(machine, hostNumbers.map((number) => `${page(number)} | grep '"uptime"'`).join('; '));
  // The page tells for how many seconds the container's init has been running.
  const uptimes = [...pages.matchAll(/"uptime">(\d+) s/g)].map(([, seconds]) => Number(seconds));
  assert.equal(uptimes.length, hostNumbers.length, pages);
  assert.ok(Math.min(...uptimes) >= minute / 1000, `a container was started again: they run for ${uptimes} s`);
  const found = (await device.control.containers()).map(({ status }) => status);
  assert.deepEqual(
    found,
    Array.from({ length: hostNumbers.length + 2 }, () => 'STARTED'),
  );

  const used = usedOf(t, 64, await inside(machine, 'cat /proc/meminfo'));
  assert.ok(used <= 41, `${used} MiB`);
  assert.doesNotMatch(device.text, /[Oo]ut of memory|oom-kill|page allocation failure|STARTED -> STOPPED/);
  await powerOff(machine);
});

test('ten containers run in 128 MiB on x86-64, and take little of what the kernel leaves', {
  skip: machineMissing(),
  timeout: 900_000,
}, async (t) => {
  const names = Array.from({ length: 10 }, (_, index) => `app${index}`);
  const disk = await storageDisk(
    t,
    names.map((name) => probeContainer(name, ['init'], { group: 'app' })),
  );
  const machine = await boot(t, disk, '', {}, { memory: 128 });
  await machine.console.waitFor(ready);
  const shown = await inside(machine, 'cat /proc/meminfo; pvcontrol ls');
  for (const name of names) assert.match(shown, new RegExp(`^${name} +app +STARTED +STARTED`, 'm'));
  const used = usedOf(t, 128, shown);
  assert.ok(used <= 65, `${used} MiB`);
  assert.doesNotMatch(machine.console.text, /[Oo]ut of memory|oom-kill/);
  await powerOff(machine);
  assertSound(disk);
});

/** MiB that are in use and cannot be made free, told beside what the kernel leaves. @param shown /proc/meminfo */
function usedOf(t: TestContext, memory: number, shown: string): number {
  const kibibytes = (key: string) => Number(new RegExp(`^${key}: +(\\d+) kB`, 'm').exec(shown)?.[1]);
  const [left, available] = [kibibytes('MemTotal'), kibibytes('MemAvailable')];
  const used = (left - available) / 1024;
  t.diagnostic(
    `the kernel leaves ${(left / 1024).toFixed(1)} MiB of ${memory}; the device takes ${used.toFixed(1)} MiB of them`,
  );
  assert.ok(used > 0, shown);
  return used;
}
