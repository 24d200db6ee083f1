/**
 * An idle device with 0 and 20 containers: memory of the runtime, what each container costs beside it, processor time over a minute.
 * The reference of the same run is a bare `node:http` server on a unix socket, idle as well.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { controlSocketOf } from '../scripts/start/watch.ts';
import { benchContainers, InstalledDevice } from './measure/device.ts';
import { readBenchOptions } from './measure/options.ts';
import { type Memory, memoryOf, processesWith, processorUseOf, sumMemory } from './measure/processes.ts';
import { printTable } from './measure/table.ts';

const { seconds } = readBenchOptions(import.meta.filename, {
  seconds: { fallback: 60, help: 'how long processor time is counted' },
});

/** Start-up garbage is not idle: what the first seconds allocated may go first. */
const settleSeconds = Math.min(10, seconds);

interface Row {
  name: string;
  memory: Memory;
  processor?: { share: number; wakeups: number };
}
const rows: Row[] = [];

async function measure(name: string, pid: number): Promise<void> {
  await pause(settleSeconds * 1000);
  const before = processorUseOf(pid);
  await pause(seconds * 1000);
  const after = processorUseOf(pid);
  const share = (after.milliseconds - before.milliseconds) / (seconds * 10);
  rows.push({ name, memory: memoryOf(pid), processor: { share, wakeups: after.wakeups - before.wakeups } });
}

async function bareServer(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-idle-'));
  const program = `require('node:http').createServer((_, answer) => answer.end('{}')).listen(${JSON.stringify(join(directory, 's'))}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    await measure('bare node:http server', child.pid ?? 0);
  } finally {
    child.kill();
    await once(child, 'exit');
    rmSync(directory, { recursive: true });
  }
}

for (const count of [0, 20]) {
  const installed = await InstalledDevice.install(benchContainers(count));
  const device = await installed.start();
  try {
    await measure(`pantavisor, ${count} containers`, device.process.pid ?? 0);
    const own = controlSocketOf(installed.storage).replace(/\/pv\/pv-ctrl$/, '/');
    const monitors = processesWith(own).filter(({ command }) => command.startsWith('[lxc monitor]'));
    if (count > 0) {
      rows.push({
        name: `  ${monitors.length} LXC monitors`,
        memory: sumMemory(monitors.map(({ pid }) => memoryOf(pid))),
      });
    }
    const others = processesWith(own).filter(
      ({ pid }) => pid !== device.process.pid && !monitors.some((monitor) => monitor.pid === pid),
    );
    rows.push({
      name: `  ${others.length} other processes of the device`,
      memory: sumMemory(others.map(({ pid }) => memoryOf(pid))),
    });
  } finally {
    await device.stop();
    await installed.remove();
  }
}
await bareServer();

const reference = rows.at(-1)?.memory ?? { rss: 1, pss: 1, private: 1 };
const megabytes = (kilobytes: number) => (kilobytes / 1024).toFixed(1);
printTable(
  `Idle: memory in MB, processor time over ${seconds} s (original, elsewhere, 20 containers: main process 4.9 MB RSS, whole control plane 15.3 MB PSS, 0.07 % processor)`,
  ['', 'RSS', 'PSS', 'private', 'PSS to bare server', 'processor %', 'wake-ups'],
  rows.map(({ name, memory, processor }) => [
    name,
    megabytes(memory.rss),
    megabytes(memory.pss),
    megabytes(memory.private),
    (memory.pss / reference.pss).toFixed(2),
    processor?.share.toFixed(3) ?? '',
    processor?.wakeups.toFixed(0) ?? '',
  ]),
);
