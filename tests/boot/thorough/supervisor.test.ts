/** A runtime that dies or hangs while containers run: PID 1 starts it again, or the watchdog restarts the machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Machine } from '@pantavisor/images/qemu';
import { probeContainer } from '../../harness/revision.ts';
import { assertSound, storageDisk } from '../device-image.ts';
import { machineMissing } from '../harness.ts';
import { boot, inside, powerOff, ready } from '../shell.ts';

const options = { skip: machineMissing(), timeout: 1_800_000 };

/**
 * Prints the pid of the runtime, which is PID 1's child, a line for each debug shell, and control group, pid and start time of each container's
 * init, the process that is 1 in a namespace of its own.
 */
const facts = `#!/bin/sh
machine=$(readlink /proc/1/ns/pid)
for d in /proc/[0-9]*; do
  read -r stat <$d/stat || continue
  pid=\${d#/proc/}
  if [ "$(readlink $d/ns/pid)" != "$machine" ]; then
    grep -q '^NSpid:[[:space:]][0-9]\\{1,\\}[[:space:]]1$' $d/status &&
      echo "container $(head -n 1 $d/cgroup) $pid $(cut -d' ' -f22 $d/stat)"
    continue
  fi
  exe=$(readlink $d/exe)
  set -- \${stat##*) }
  case "$exe $stat" in
    */pantavisor\\ *) [ "$2" = 1 ] && echo "runtime $pid" ;;
    */busybox\\ *"(sh)"*) [ "$4" = "$pid" ] && echo "shell $pid" ;;
  esac
done 2>/dev/null
`;
const files = { 'usr/bin/facts': facts };

async function look(machine: Machine): Promise<{ runtime: string; shells: string[]; containers: string[] }> {
  const seen = await inside(machine, 'facts');
  const all = (word: string) => [...seen.matchAll(new RegExp(`^${word} (.+)$`, 'gm'))].map(([, rest = '']) => rest);
  const [runtime = assert.fail(seen)] = all('runtime');
  return { runtime, shells: all('shell'), containers: all('container') };
}

test('containers live on when the runtime is killed or hangs, and are adopted', options, async (t) => {
  const disk = await storageDisk(
    t,
    ['one', 'two'].map((name) => probeContainer(name, ['init'], { group: 'app' })),
  );
  const machine = await boot(t, disk, 'PANTAVISOR_PATIENCE=30', files);
  const { console } = machine;
  await console.waitFor(ready, { seconds: 600 });
  let before = await look(machine);
  assert.deepEqual([before.shells.length, before.containers.length], [1, 2], JSON.stringify(before));
  for (const [signal, sign] of [
    ['KILL', /the runtime was ended by signal 9/],
    ['STOP', /the runtime gives no sign of life: it is started again/],
  ] as const) {
    const from = console.mark;
    console.send(`kill -${signal} ${before.runtime}\n`);
    await console.waitFor(sign, { from, seconds: 600 });
    await console.waitFor(ready, { from, seconds: 600 });
    const after = await look(machine);
    assert.notEqual(after.runtime, before.runtime);
    assert.deepEqual({ ...after, runtime: '' }, { ...before, runtime: '' }, `after SIG${signal}`);
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
    ...files,
    'etc/modules-load.d/watchdog.conf': 'softdog\n',
  });
  await machine.console.waitFor(ready, { seconds: 600 });
  const { runtime } = await look(machine);
  machine.console.send(`kill -STOP ${runtime}\n`);
  assert.equal((await machine.ended).reason, 'reset');
  assert.match(machine.console.text, /softdog: Initiating system reboot/);
  // It was no end in order, and the storage bears it.
  const again = await boot(t, disk);
  await again.console.waitFor(ready, { seconds: 600 });
  await powerOff(again);
  assertSound(disk);
});
