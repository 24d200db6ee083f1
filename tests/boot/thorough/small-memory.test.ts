/**
 * Ten small containers in a machine with little memory. Debian's kernel for virtual machines keeps 36 MiB of it to itself, and unpacks the
 * initramfs in no less than 128 MiB; what counts is what the device takes of the rest, which is measured inside.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeContainer } from '../../harness/revision.ts';
import { assertSound, storageDisk } from '../device-image.ts';
import { machineMissing } from '../harness.ts';
import { boot, inside, powerOff, ready } from '../shell.ts';

/** MiB of the machine: the least in steps of 32 in which this kernel starts. */
const memory = 128;
/** MiB that may be in use of what the kernel leaves: initramfs, modules, runtime, LXC, ten containers and what the kernel keeps for them. */
const most = 80;

test('ten containers run in a small machine, and take little of what its kernel leaves', {
  skip: machineMissing(),
  timeout: 900_000,
}, async (t) => {
  const names = Array.from({ length: 10 }, (_, index) => `app${index}`);
  const disk = await storageDisk(
    t,
    names.map((name) => probeContainer(name, ['init'], { group: 'app' })),
  );
  const machine = await boot(t, disk, '', {}, { memory });
  await machine.console.waitFor(ready);
  const shown = await inside(machine, 'cat /proc/meminfo; pvcontrol ls');
  for (const name of names) assert.match(shown, new RegExp(`^${name} +app +STARTED +STARTED`, 'm'));
  const kibibytes = (key: string) => Number(new RegExp(`^${key}: +(\\d+) kB`, 'm').exec(shown)?.[1]);
  const [left, available] = [kibibytes('MemTotal'), kibibytes('MemAvailable')];
  const used = (left - available) / 1024;
  t.diagnostic(
    `the kernel leaves ${(left / 1024).toFixed(1)} MiB of ${memory}; the device takes ${used.toFixed(1)} MiB of them`,
  );
  assert.ok(used > 0 && used <= most, `${used} MiB`);
  assert.doesNotMatch(machine.console.text, /[Oo]ut of memory|oom-kill/);
  await powerOff(machine);
  assertSound(disk);
});
