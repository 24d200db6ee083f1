/** What a device has to survive in a machine: its own runtime, a damaged storage. */
import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { probeContainer } from '../harness/revision.ts';
import { assertShown, assertSound, storageDisk } from './device-image.ts';
import { machineMissing } from './harness.ts';
import { boot, powerOff, ready } from './shell.ts';

const skip = machineMissing();

test('a runtime that dies at every start restarts the machine, where an older revision may boot', {
  skip,
  timeout: 900_000,
}, async (t) => {
  const disk = await storageDisk(t, [probeContainer('one')]);
  const machine = await boot(t, disk, 'pv_policy=missing');
  await machine.console.waitFor(/the runtime has ended 5 times within minutes: the machine restarts/);
  assert.equal((await machine.ended).reason, 'reset');
  assertShown(machine.console, /cannot read the policy missing/);
});

test('a storage that lost its superblock is found by a copy, repaired, and boots', {
  skip,
  timeout: 900_000,
}, async (t) => {
  const disk = await storageDisk(t, [probeContainer('one')]);
  const file = openSync(disk, 'r+');
  writeSync(file, Buffer.alloc(1024), 0, 1024, 1024);
  closeSync(file);
  const machine = await boot(t, disk);
  await machine.console.waitFor(/\/dev\/vda has lost its superblock; it is being repaired from a copy/);
  await machine.console.waitFor(ready);
  await powerOff(machine);
  assertSound(disk);
});
