/** A device from the kernel's hand-over to running containers, and down again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeContainer } from '../harness/revision.ts';
import { assertShown, assertSound, bootFiles, readStorage, storageDisk } from './device-image.ts';
import { machineMissing, startMachine } from './harness.ts';

const skip = machineMissing();

test('boots to running containers, powers off in order, and boots again', { skip, timeout: 900_000 }, async (t) => {
  const files = await bootFiles();
  const disk = await storageDisk(t, [probeContainer('one'), probeContainer('two')]);
  for (const boot of ['first', 'second']) {
    const machine = await startMachine(t, {
      architecture: 'x86_64',
      memory: 256,
      boot: {
        kind: 'kernel',
        kernel: files.kernel,
        initrd: files.initrd,
        commandLine: 'console=ttyS0 panic=-1 pv_rev=0 pv_try=',
      },
      disks: [{ file: disk }],
    });
    const { console } = machine;
    await console.waitFor(/Press \[ENTER\] for debug ash shell/);
    console.send('\n');
    await console.waitFor(/pantavisor: ready socket=\/run\/pantavisor\/pv\/pv-ctrl/);
    console.send(
      'pvcontrol ls; pventer -c two cat /proc/1/comm; cat /proc/sys/kernel/printk_devkmsg; sh -c "kill -SEGV \\$\\$"; poweroff\n',
    );
    const { reason } = await machine.ended;
    assert.equal(reason, 'power-off', `${boot} boot: ${console.text.slice(-2000)}`);
    for (const name of ['one', 'two']) assertShown(console, new RegExp(`^${name} +\\S+ +STARTED`, 'm'));
    for (const shown of [/^init ?$/m, /^on$/m]) assertShown(console, shown);
    assertShown(console, /pvcrash: sh, process \d+, was ended by signal 11/);
    assertShown(console, /pantavisor: switching the machine off/);
    for (const wrong of [
      /cannot unmount.*/,
      /.*unknown key.*/,
      /cannot set up the kernel's log.*/,
      /cannot keep all.*/,
      /cannot grow.*/,
    ])
      assert.equal(wrong.exec(console.text)?.[0], undefined);
    assertSound(disk);
  }
  assert.match(readStorage(disk, 'trails/0/.pv/progress'), /"status":"DONE"/);
});
