/**
 * From the start of the process until all containers are STARTED, for 1, 5 and 20 containers, against a shell loop of `lxc-start -d` over
 * the same root file system in the same run. The loop has its root file systems mounted already and checks nothing; the device starts
 * itself, reads the installed revision, checks every object, mounts, and starts.
 */
import { benchContainers, InstalledDevice } from './measure/device.ts';
import { timeLxcLoop } from './measure/lxc-loop.ts';
import { readBenchOptions } from './measure/options.ts';
import { median, printTable, spread } from './measure/table.ts';

const { repeats } = readBenchOptions(import.meta.filename, { repeats: { fallback: 5, help: 'starts of each' } });
/** Seconds, median, on another machine of this kind: for orientation only. */
const original: Record<number, number> = { 1: 0.16, 5: 0.28, 20: 0.85 };

const rows: string[][] = [];
for (const count of [1, 5, 20]) {
  const installed = await InstalledDevice.install(benchContainers(count));
  const device: number[] = [];
  const loop: number[] = [];
  // Alternating, so that a busy moment of the machine hits both.
  for (let round = 0; round < repeats; round += 1) {
    const running = await installed.start();
    device.push(running.readyAfter);
    await running.stop();
    loop.push(await timeLxcLoop(count));
  }
  await installed.remove();
  const ratio = (median(device) / median(loop)).toFixed(2);
  rows.push([
    String(count),
    spread(device, 0),
    spread(loop, 0),
    ratio,
    `${((original[count] ?? 0) * 1000).toFixed(0)}`,
  ]);
}
printTable(
  'Start: milliseconds until all containers are STARTED, median (least..greatest)',
  ['containers', 'pantavisor', 'lxc-start loop', 'ratio', 'original, elsewhere'],
  rows,
);
