/**
 * Goodput at ten times the capacity: many more connections than the hub takes at once, all of them posting steps and asking again
 * at once when refused. The reference is the same hub in the same run with a load it can serve.
 */
import { loadHttp, requestText } from './measure/http-load.ts';
import { startBenchHub } from './measure/hub.ts';
import { readBenchOptions } from './measure/options.ts';
import { printTable } from './measure/table.ts';

const { requests: total, active } = readBenchOptions(import.meta.filename, {
  requests: { fallback: 3000, help: 'requests of each measurement' },
  active: { fallback: 64, help: 'requests that the hub takes at once' },
});
const hub = await startBenchHub(0, { 'max-active': String(active) });
try {
  const text = requestText('POST', `/trails/${hub.device.id}/steps`, hub.owner, {
    rev: -1,
    state: {
      '#spec': 'pantavisor-service-system@1',
      'app/run.json': { name: 'app', a: Array.from({ length: 400 }, (_, index) => `entry ${index}`) },
    },
  });
  const run = async (connections: number, answers: number) => {
    const begin = performance.now();
    const result = await loadHttp({ port: hub.port, connections, total: answers, warmUp: 0, requests: () => text });
    return {
      good: (result.statuses[200] ?? 0) / ((performance.now() - begin) / 1000),
      shed: result.statuses[503] ?? 0,
      p99: result.p99,
    };
  };
  await run(active / 2, total / 2);
  const normal = await run(active / 2, total);
  const flooded = await run(active * 10, total * 10);
  const recovered = await run(active / 2, total);
  const rows = Object.entries({ normal, 'ten times': flooded, afterwards: recovered });
  printTable(
    'step posts',
    ['', 'goodput/s', 'of normal', 'refused', 'p99 ms'],
    rows.map(([name, { good, shed, p99 }]) => [
      name,
      good.toFixed(0),
      (good / normal.good).toFixed(2),
      String(shed),
      p99.toFixed(1),
    ]),
  );
} finally {
  await hub.stop();
}
