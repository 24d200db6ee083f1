/**
 * A device from the kernel's start on: sizes, times, memory at idle; beside a Debian minimal system with systemd and
 *LXC that runs the same containers on the same kernel in the same QEMU.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildImage, diskOf, ImageMachine, readRecipe } from '@pantavisor/images/images';
import { type Machine, type MachineConsole, Machine as Machines } from '@pantavisor/images/qemu';
import { probeContainer } from '../containers/probe/recipe.ts';
import { writeRepository } from '../scripts/start/demo-repository.ts';
import { buildReference, type ReferenceSystem } from './measure/debian-system.ts';
import { readBenchOptions } from './measure/options.ts';
import { median, printTable } from './measure/table.ts';

const {
  containers: count,
  repeats,
  memory,
} = readBenchOptions(import.meta.filename, {
  containers: { fallback: 3, help: 'containers in each system' },
  repeats: { fallback: 3, help: 'starts of each system' },
  memory: { fallback: 256, help: 'memory of the machine in MiB' },
});
const cache = fileURLToPath(new URL('../build/images', import.meta.url));
const seconds = 600;

/** Seconds since the kernel's start at which a line was printed; printk writes them before it. */
async function momentOf(console: MachineConsole, pattern: RegExp): Promise<number> {
  const [, moment] = await console.waitFor(new RegExp(`\\[ *([0-9.]+)\\] .*(?:${pattern.source})`), { seconds });
  return Number(moment);
}

interface Start {
  runtime: number;
  first: number;
  all: number;
  /** KiB that are not available to others, some seconds after. */
  memory: number;
}

async function memoryInUse(console: MachineConsole, from: number): Promise<number> {
  const number = async (name: string) =>
    Number((await console.waitFor(new RegExp(`${name}: +(\\d+) kB`), { from, seconds }))[1]);
  return (await number('MemTotal')) - (await number('MemAvailable'));
}

async function startOfDevice(machine: Machine): Promise<Start> {
  const { console } = machine;
  await console.waitFor(/Press \[ENTER\] for debug ash shell/, { seconds });
  console.send('\n');
  const runtime = await momentOf(console, /pantavisor: \[boot\] revision/);
  const first = await momentOf(console, /pantavisor: \[containers\] \S+ STARTING -> STARTED/);
  const all = await momentOf(console, /pantavisor: ready socket=/);
  const { mark } = console;
  console.send('sleep 10; cat /proc/meminfo\n');
  return { runtime, first, all, memory: await memoryInUse(console, mark) };
}

async function startOfReference(machine: Machine): Promise<Start> {
  const { console } = machine;
  return {
    runtime: await momentOf(console, /systemd\[1\]: systemd \d+/),
    first: await momentOf(console, /reference: container \S+ started/),
    all: await momentOf(console, /reference: all containers started/),
    memory: await memoryInUse(console, 0),
  };
}

const mib = (kib: number) => kib / 1024;
const work = mkdtempSync(join(tmpdir(), 'bench-boot-'));
try {
  const containers = Array.from({ length: count }, (_, index) =>
    probeContainer(`app${index}`, ['init'], { group: 'app' }),
  );
  const parts = await writeRepository(join(work, 'parts'), containers, 'x86_64');
  const { recipe } = readRecipe(
    JSON.stringify({
      '#spec': 'pantavisor-image@1',
      name: 'bench',
      architecture: 'x86_64',
      loader: 'none',
      parts: [parts],
      storage: { size: '128M' },
    }),
    join(work, 'recipe.json'),
  );
  if (recipe === undefined) throw new Error('cannot use the recipe of the benchmark');
  const say = (line: string) => console.error(`bench: ${line}`);
  const image = join(work, 'image');
  const account = await buildImage(recipe, { image, cache, say });
  const reference: ReferenceSystem = await buildReference(cache, say);
  const runs: { ours: Start[]; theirs: Start[] } = { ours: [], theirs: [] };
  for (let turn = 0; turn < repeats; turn += 1) {
    const disk = join(work, `disk${turn}`);
    await diskOf(image, disk);
    const device = await ImageMachine.prepare({ disk, account, memory, seconds });
    const machine = await device.start();
    runs.ours.push(await startOfDevice(machine));
    await machine.kill();
    await device.close();
    const other = await Machines.start(
      {
        architecture: 'x86_64',
        memory,
        processors: account.machine.processors,
        boot: {
          kind: 'kernel',
          kernel: reference.kernel,
          initrd: reference.initrd,
          commandLine: 'console=ttyS0,115200 printk.devkmsg=on',
        },
        disks: [
          { file: await reference.disk(count, join(parts, 'objects', String(rootOf(parts))), work), snapshot: true },
        ],
      },
      { seconds },
    );
    runs.theirs.push(await startOfReference(other));
    await other.kill();
  }
  const size = (name: string) => (account.entries.find((entry) => entry.name === name)?.size ?? 0) / 1024 / 1024;
  const used = Number(execFileSync('du', ['-k', image], { encoding: 'utf8' }).split('\t')[0]) / 1024;
  const of = (key: keyof Start) => ({
    ours: median(runs.ours.map((run) => run[key])),
    theirs: median(runs.theirs.map((run) => run[key])),
  });
  const row = (name: string, { ours, theirs }: { ours: number; theirs: number }, digits: number) => [
    name,
    ours.toFixed(digits),
    theirs.toFixed(digits),
    (ours / theirs).toFixed(2),
  ];
  printTable(
    'A device from the start of its kernel on',
    ['', 'pantavisor', 'Debian, systemd', 'ratio'],
    [
      row('image, MiB in use', { ours: used, theirs: reference.size / 1024 / 1024 }, 1),
      row(
        'initramfs, MiB',
        {
          ours: size('bsp/pantavisor') + size('bsp/modules.cpio.zst'),
          theirs: statSync(reference.initrd).size / 1024 / 1024,
        },
        1,
      ),
      row('kernel start to PID 1’s runtime, s', of('runtime'), 2),
      row('kernel start to first container, s', of('first'), 2),
      row(`kernel start to all ${count} containers, s`, of('all'), 2),
      row('memory in use at idle, MiB', { ours: mib(of('memory').ours), theirs: mib(of('memory').theirs) }, 1),
    ],
  );
  console.log(
    `${repeats} starts each, median; ${memory} MiB of memory, 2 processors, emulated in software; the initramfs of pantavisor alone: ${size('bsp/pantavisor').toFixed(1)} MiB`,
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Object of the root file system, which all containers share. */
function rootOf(parts: string): unknown {
  return (JSON.parse(readFileSync(join(parts, '.pvr/json'), 'utf8')) as Record<string, unknown>)['app0/root.squashfs'];
}
