/** What a device has to survive in a machine: its own runtime, a damaged storage. */
import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cpioArchive } from '@pantavisor/images/debian';
import type { Machine } from '@pantavisor/images/qemu';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { probeContainer } from '../harness/revision.ts';
import { assertShown, assertSound, bootFiles, storageDisk } from './device-image.ts';
import { joinInitrds, machineMissing, startMachine } from './harness.ts';

const skip = machineMissing();
const ready = /pantavisor: ready socket/;

async function boot(t: TestContext, disk: string, words = '', files: Record<string, string> = {}): Promise<Machine> {
  const { kernel, initrd } = await bootFiles();
  const more = new Map(
    Object.entries(files).map(([path, text]) => [
      path,
      { kind: 'file', mode: 0o644, content: Buffer.from(text) } as const,
    ]),
  );
  const joined = join(temporaryDirectory(t), 'initrd');
  writeFileSync(joined, joinInitrds(initrd, cpioArchive(more)));
  return startMachine(t, {
    architecture: 'x86_64',
    memory: 256,
    boot: { kind: 'kernel', kernel, initrd: joined, commandLine: `console=ttyS0 panic=-1 pv_debug ${words}` },
    disks: [{ file: disk }],
  });
}

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
  machine.console.send('poweroff\n');
  assert.equal((await machine.ended).reason, 'power-off');
  assertSound(disk);
});
