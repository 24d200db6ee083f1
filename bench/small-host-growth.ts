/**
 * Whether the memory of the small host grows under load: private memory after each tenth of many requests and of many updates in place, and
 * the growth of each over the last half, when everything is warm.
 */
import { Agent } from 'node:http';
import { benchContainers, InstalledDevice } from './measure/device.ts';
import { askContainers, measureUpdates } from './measure/growth.ts';
import { readBenchOptions } from './measure/options.ts';
import { memoryOf } from './measure/processes.ts';

const { requests, updates } = readBenchOptions(import.meta.filename, {
  requests: { fallback: 10_000, help: 'requests to a device with 20 containers' },
  updates: { fallback: 1000, help: 'updates of a device with one container' },
});
const host = 'small';

/** Private memory in KB after each tenth of the requests. */
async function measureRequests(): Promise<number[]> {
  const installed = await InstalledDevice.install(benchContainers(20));
  const device = await installed.start({ PANTAVISOR_HOST: host });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const series: number[] = [];
  try {
    const step = Math.max(1, Math.floor(requests / 10));
    for (let done = 1; done <= requests; done += 1) {
      await askContainers(device.client.socketPath, agent);
      if (done % step === 0) series.push(memoryOf(device.process.pid ?? 0).private);
    }
  } finally {
    agent.destroy();
    await device.stop();
    await installed.remove();
  }
  return series;
}

function report(what: string, series: readonly number[]): void {
  const half = series[Math.floor((series.length - 1) / 2)] ?? 0;
  console.log(`${what}: private memory ${series.join(', ')} KB; over the last half ${(series.at(-1) ?? 0) - half} KB`);
}

report(`${requests} requests`, await measureRequests());
const series: number[] = [];
const each = await measureUpdates(host, updates, (memory) => series.push(memory.private));
report(`${updates} updates of ${each.toFixed(0)} ms`, series);
