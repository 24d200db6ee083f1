/**
 * Does the control socket answer while a container is stopped that ignores its halt signal? GET /containers in a row, from before the
 * request to stop until the container is down; the reference is the same loop on the same device when nothing happens.
 */
import type { ContainerAction } from '@pantavisor/ctrl-api';
import type { ControlClient } from '@pantavisor/ctrl-api/client';
import { probeContainer } from '../tests/harness/revision.ts';
import { benchContainers, startDevice } from './measure/device.ts';
import { readBenchOptions } from './measure/options.ts';
import { median, printTable, quantile } from './measure/table.ts';

readBenchOptions(import.meta.filename, {});
const name = 'stubborn';
const limit = 60_000;

/** Latencies in milliseconds of one request after the other until `done`. */
async function requestUntil(client: ControlClient, done: (status: string) => boolean): Promise<number[]> {
  const latencies: number[] = [];
  for (const end = performance.now() + limit; performance.now() < end; ) {
    const begin = performance.now();
    const containers = await client.containers();
    latencies.push(performance.now() - begin);
    if (done(containers.find((container) => container.name === name)?.status ?? '')) return latencies;
  }
  throw new Error(`cannot measure: ${name} did not get there within ${limit / 1000} s`);
}

const device = await startDevice([
  ...benchContainers(4),
  probeContainer(name, ['stubborn'], { group: 'app', restartPolicy: 'container', network: 'host' }),
]);
const rows: string[][] = [];
try {
  const { client } = device;
  const row = (label: string, seconds: number, answer: number | undefined, latencies: number[], reference: number) => {
    const worst = Math.max(...latencies);
    rows.push([
      label,
      seconds.toFixed(2),
      answer?.toFixed(1) ?? '',
      String(latencies.length),
      median(latencies).toFixed(2),
      quantile(latencies, 0.99).toFixed(2),
      worst.toFixed(2),
      (worst / reference).toFixed(2),
    ]);
  };
  const idleEnd = performance.now() + 5000;
  const idle = await requestUntil(client, () => performance.now() > idleEnd);
  const reference = Math.max(...idle);
  row('nothing happens', 5, undefined, idle, reference);
  const act = async (action: ContainerAction, done: (status: string, moved: boolean) => boolean): Promise<void> => {
    const begin = performance.now();
    let answer: number | undefined;
    let moved = false;
    const asked = client.controlContainer(name, action).then(() => {
      answer = performance.now() - begin;
    });
    const latencies = await requestUntil(client, (status) => {
      if (status !== 'STARTED') moved = true;
      return done(status, moved);
    });
    await asked;
    row(action, (performance.now() - begin) / 1000, answer, latencies, reference);
  };
  await act('restart', (status, moved) => moved && status === 'STARTED');
  await act('stop', (status) => status === 'STOPPED');
} finally {
  await device.stop();
}
printTable(
  'Stop of a container that ignores its halt signal: GET /containers meanwhile, milliseconds (original, elsewhere: all requests wait 5000)',
  ['', 'takes s', 'answered after', 'requests', 'p50', 'p99', 'worst', 'worst to idle'],
  rows,
);
