/** A runtime that dies or hangs while containers run: PID 1 starts it again, or the watchdog restarts the machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Machine } from '@pantavisor/images/qemu';
import { probeContainer } from '../../harness/revision.ts';
import { assertSound, storageDisk } from '../device-image.ts';
import { machineMissing } from '../harness.ts';
import { boot, inside, powerOff, ready } from '../shell.ts';

const options = { skip: machineMissing(), timeout: 1_800_000 };

/** The child of PID 1 with its name, the runtime. */
const runtimePid = `for d in /proc/[0-9]*; do read -r line <$d/stat; case "$line" in *"(pantavisor) "?" 1 "*) echo "runtime \${d#/proc/}"; esac; done 2>/dev/null`;

/** What must be the same before and after: pid of each init, and when it began in ticks since the kernel's start. */
const inits =
  'for c in one two; do p=$(lxc-info -P /run/pantavisor/lxc -n $c -pH); echo "$c $p $(cut -d" " -f22 /proc/$p/stat)"; done';

async function facts(machine: Machine): Promise<{ runtime: string; containers: string[]; shells: number }> {
  const seen = await inside(machine, `${runtimePid}; ${inits}; echo "shells $(ps | grep -c '[-]sh$\\|/bin/[s]h$')"`);
  const [, runtime = ''] = /^runtime (\d+)$/m.exec(seen) ?? assert.fail(seen);
  const [, shells = ''] = /^shells (\d+)$/m.exec(seen) ?? assert.fail(seen);
  const containers = [...seen.matchAll(/^(?:one|two) \d+ \d+$/gm)].map(([line]) => line);
  assert.equal(containers.length, 2, seen);
  return { runtime, containers, shells: Number(shells) };
}

test('containers live on when the runtime is killed or hangs, and are adopted', options, async (t) => {
  const disk = await storageDisk(t, [probeContainer('one'), probeContainer('two')]);
  const machine = await boot(t, disk, 'PANTAVISOR_PATIENCE=30');
  const { console } = machine;
  await console.waitFor(ready);
  let before = await facts(machine);
  assert.equal(before.shells, 1);
  for (const [signal, sign] of [
    ['KILL', /the runtime was ended by signal 9/],
    ['STOP', /the runtime gives no sign of life: it is started again/],
  ] as const) {
    const from = console.mark;
    console.send(`kill -${signal} ${before.runtime}\n`);
    await console.waitFor(sign, { from });
    await console.waitFor(ready, { from });
    const after = await facts(machine);
    assert.deepEqual(after.containers, before.containers, `after SIG${signal}`);
    assert.notEqual(after.runtime, before.runtime);
    assert.equal(after.shells, 1, 'the shell has the console to itself');
    const shown = console.text.slice(from);
    assert.doesNotMatch(shown, /(one|two) STARTING -> STARTED/);
    before = after;
  }
  // The new runtime has taken them over: it can stop one.
  const from = console.mark;
  console.send('pvcontrol containers stop one\n');
  await console.waitFor(/one \S+ -> STOPPED/, { from });
  await powerOff(machine);
  assertSound(disk);
});

test('the watchdog restarts a machine whose runtime hangs', options, async (t) => {
  const disk = await storageDisk(t, [probeContainer('one')]);
  // Nothing but the watchdog looks after the runtime.
  const machine = await boot(t, disk, 'PANTAVISOR_PATIENCE=0 pv_wdt.mode=always pv_wdt.timeout=15', {
    'etc/modules-load.d/watchdog.conf': 'softdog\n',
  });
  await machine.console.waitFor(ready);
  const seen = await inside(machine, runtimePid);
  const [, runtime = ''] = /^runtime (\d+)$/m.exec(seen) ?? assert.fail(seen);
  machine.console.send(`kill -STOP ${runtime}\n`);
  assert.equal((await machine.ended).reason, 'reset');
  assert.match(machine.console.text, /softdog: Initiating system reboot/);
  // It was no end in order, and the storage bears it.
  const again = await boot(t, disk);
  await again.console.waitFor(ready);
  await powerOff(again);
  assertSound(disk);
});
