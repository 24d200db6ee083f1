/**
 * A device from power-on: sizes, times, memory at idle, an update with a restart and ways back from bad ones; beside Debian's minimal system
 * with systemd that starts the same containers with LXC, from the same boot loader, on the same kernel, in the same QEMU.
 */
import { fileURLToPath } from 'node:url';
import type { Start } from './measure/boot-start.ts';
import { type Changes, commitDelay, DeviceSystem, ReferenceSystem } from './measure/boot-systems.ts';
import { BenchLifetime } from './measure/lifetime.ts';
import { readBenchOptions } from './measure/options.ts';
import { median, printTable } from './measure/table.ts';

const {
  containers: count,
  repeats,
  memory,
} = readBenchOptions(import.meta.filename, {
  containers: { fallback: 10, help: 'containers in each system, four at least' },
  repeats: { fallback: 3, help: 'starts and updates of each system' },
  memory: { fallback: 256, help: 'memory of the machine in MiB' },
});
const cache = fileURLToPath(new URL('../build/images', import.meta.url));
const say = (line: string) => console.error(`bench: ${line}`);

const mebibytes = (bytes: number) => bytes / 1024 / 1024;

/** A row of the table; what a system does not have has no figure, and what only one has no ratio. */
function row(name: string, ours: number, theirs: number | undefined, digits: number): string[] {
  if (theirs === undefined) return [name, ours.toFixed(digits), '-', ''];
  return [name, ours.toFixed(digits), theirs.toFixed(digits), (ours / theirs).toFixed(2)];
}

const life = new BenchLifetime('boot');
try {
  const ours = { starts: [] as Start[], changes: [] as Changes[] };
  const theirs = { starts: [] as Start[], downtimes: [] as number[] };
  const sizes = { disk: 0, initramfs: 0, modules: 0 };
  say('the reference');
  const reference = await ReferenceSystem.make(life, count, memory, { cache, folder: life.folder(), say });
  for (let turn = 1; turn <= repeats; turn += 1) {
    say(`turn ${turn} of ${repeats}: a device`);
    const each = new BenchLifetime(`boot ${turn}`);
    try {
      const system = await DeviceSystem.make(each, count, memory);
      sizes.disk = system.used;
      sizes.initramfs = system.size('bsp/pantavisor');
      sizes.modules = system.size('bsp/modules.cpio.zst');
      const { start, watch } = await system.start();
      ours.starts.push(start);
      ours.changes.push(await system.change(watch).finally(() => watch.stop()));
    } finally {
      await each.end();
    }
    say(`turn ${turn} of ${repeats}: the reference`);
    const { start, watch, machine } = await reference.start();
    theirs.starts.push(start);
    theirs.downtimes.push(await reference.change(machine, watch).finally(() => watch.stop()));
  }
  const startRow = (name: string, key: keyof Start, digits: number, unit = 1) =>
    row(
      name,
      median(ours.starts.map((start) => start[key])) / unit,
      median(theirs.starts.map((start) => start[key])) / unit,
      digits,
    );
  const change = (key: keyof Changes) => median(ours.changes.map((one) => one[key]));
  printTable(
    'A device from power-on, and what restarts it',
    ['', 'pantavisor', 'Debian, systemd', 'ratio'],
    [
      row('disk, MiB in use', mebibytes(sizes.disk), mebibytes(reference.used), 1),
      row('initramfs with modules, MiB', mebibytes(sizes.initramfs + sizes.modules), mebibytes(reference.initrd), 1),
      row('initramfs with all programs, MiB', mebibytes(sizes.initramfs), undefined, 1),
      startRow('kernel start to runtime, s', 'runtime', 1),
      startRow('kernel start to first container, s', 'first', 1),
      startRow(`kernel start to all ${count} containers, s`, 'all', 1),
      startRow('power-on to the first answer of a container, s', 'answer', 1),
      startRow('memory in use at idle, MiB', 'memory', 1, 1024),
      row('update with a restart: nobody answers, s', change('downtime'), median(theirs.downtimes), 1),
      row('update with a restart: asked to committed, s', change('update'), undefined, 1),
      row('kernel that panics: nobody answers until the old one is back, s', change('panic'), undefined, 1),
      row('container that cannot start: the same, s', change('container'), undefined, 1),
    ],
  );
  console.log(
    `  median of ${repeats}; GRUB, ${memory} MiB of memory, one processor, emulated in software; 'committed' without the delay of ${commitDelay} s. ` +
      'Debian’s update is files of a container that are replaced, and a restart; it tries nothing, so it neither commits nor goes back.',
  );
} finally {
  await life.end();
}
