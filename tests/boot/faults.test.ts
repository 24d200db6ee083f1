/** What a device has to survive: its own runtime, a full or damaged storage, a hang. */
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

async function inside({ console }: Machine, command: string): Promise<string> {
  const from = console.mark;
  console.send(`${command}; echo "end of"" command"\n`);
  const { index } = await console.waitFor(/end of command/, { from });
  return console.text.slice(from, from + index);
}

/** The runtime is the child of PID 1 that runs the same program. */
const runtimePid = "RUNTIME=$(ps -o pid,ppid,args | awk '$2 == 1 && $3 ~ /init|pantavisor/ { print $1; exit }')";
const initOf = (machine: Machine, name: string) =>
  inside(machine, `lxc-info -P /run/pantavisor/lxc -n ${name} -pH`).then((text) => /^\d+$/m.exec(text)?.[0]);

test('a runtime that dies or hangs is started again, and containers do not notice', {
  skip,
  timeout: 900_000,
}, async (t) => {
  const disk = await storageDisk(t, [probeContainer('one')]);
  const machine = await boot(t, disk, 'PANTAVISOR_PATIENCE=15');
  const { console } = machine;
  await console.waitFor(ready);
  const before = await initOf(machine, 'one');
  assert.ok(before !== undefined, console.text.slice(-1500));
  for (const [signal, words] of [
    ['KILL', /the runtime was ended by signal 9/],
    ['STOP', /the runtime gives no sign of life: it is started again/],
  ] as const) {
    const from = console.mark;
    console.send(`${runtimePid}; kill -${signal} $RUNTIME\n`);
    await console.waitFor(words, { from });
    await console.waitFor(/took over one, which was running/, { from });
    await console.waitFor(ready, { from });
    console.send('\n');
    assert.equal(await initOf(machine, 'one'), before);
  }
  console.send('reboot\n');
  assert.equal((await machine.ended).reason, 'reset', console.text.slice(-1500));
  assertSound(disk);
});

test('the watchdog bites a runtime that hangs when nobody else does', { skip, timeout: 900_000 }, async (t) => {
  const disk = await storageDisk(t, [probeContainer('one')]);
  const machine = await boot(t, disk, 'PANTAVISOR_PATIENCE=0 PV_WDT_MODE=always softdog.soft_panic=1', {
    'etc/modules-load.d/test.conf': 'softdog\n',
  });
  const { console } = machine;
  await console.waitFor(ready);
  console.send(`${runtimePid}; kill -STOP $RUNTIME\n`);
  await console.waitFor(/Software Watchdog Timer expired|softdog: Initiating panic/);
  const { reason } = await machine.ended;
  assert.ok(reason === 'reset' || reason === 'panic', reason);
});

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

test('a storage that is full still boots', { skip, timeout: 900_000 }, async (t) => {
  const disk = await storageDisk(t, [probeContainer('one')], { megabytes: 48 });
  const first = await boot(t, disk);
  await first.console.waitFor(ready);
  await inside(first, 'dd if=/dev/zero of=/storage/filler bs=65536; dd if=/dev/zero of=/storage/rest bs=512; sync');
  first.console.send('reboot\n');
  assert.equal((await first.ended).reason, 'reset', first.console.text.slice(-1500));
  const second = await boot(t, disk);
  await second.console.waitFor(/\[containers\] one STARTING -> STARTED/);
  await second.console.waitFor(ready);
  const freed = await inside(second, 'df /storage; rm /storage/filler /storage/rest; pvcontrol ls');
  assert.match(freed, /\bone\b/);
  second.console.send('poweroff\n');
  assert.equal((await second.ended).reason, 'power-off');
  assertSound(disk);
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
