/**
 * Local updates of one changed container among others: how long until it is tested and kept, how long a client does without it, and
 * what the control socket takes meanwhile. The reference of the gap is a restart of the same container by request: its own stop and start.
 * Then updates by reboot, good and bad, with the restarts of the runtime that a launcher makes.
 */

import { createReadStream, readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgressJson } from '@pantavisor/ctrl-api';
import type { ControlClient } from '@pantavisor/ctrl-api/client';
import type { ContainerRecipe, RevisionRecipe } from '../containers/src/recipe.ts';
import { probeContainer, writeRevision } from '../tests/harness/revision.ts';
import { InstalledDevice, type RunningDevice } from './measure/device.ts';
import { readBenchOptions } from './measure/options.ts';
import { median, printTable, spread } from './measure/table.ts';

const { repeats, others } = readBenchOptions(import.meta.filename, {
  repeats: { fallback: 5, help: 'updates of each kind' },
  others: { fallback: 4, help: 'containers beside the one that changes' },
});
const commitDelay = 1;
const environment = { PV_UPDATER_COMMIT_DELAY: String(commitDelay), PV_LOG_LEVEL: '3' };
const pollEvery = 5;

const port = await freePort();
const server = `trap 'exit 0' PWR
mkdir -p /tmp/www
cp /etc/version /tmp/www/version
httpd -f -p 127.0.0.1:${port} -h /tmp/www &
while :; do wait $!; done
`;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** A web server of some version beside containers that never change. No recovery: nothing is waited for but goals and the commit delay. */
function revision(version: string, web: Partial<ContainerRecipe> = {}): RevisionRecipe {
  const plain: Partial<ContainerRecipe> = { group: 'app', network: 'host' };
  const beside = Array.from({ length: others }, (_, index) => probeContainer(`c${index}`, ['init'], plain));
  const config = { '/etc/version': version, '/start.sh': server };
  const served = probeContainer('web', ['init'], { ...plain, init: ['/bin/sh', '/start.sh'], config, ...web });
  const groups = [{ name: 'app', status_goal: 'STARTED', restart_policy: 'container', timeout: 30 } as const];
  return { containers: [served, ...beside], groups };
}

/** Version that the web server answers with, or undefined when nobody answers. */
function ask(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path: '/version', timeout: 1000, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      const whole = () => (response.statusCode === 200 ? Buffer.concat(chunks).toString() : undefined);
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(whole()));
      // The server may end in the middle of its answer.
      response.on('error', () => resolve(undefined));
    });
    sent.on('error', () => resolve(undefined)).on('timeout', () => sent.destroy());
    sent.end();
  });
}

/** Asks every 5 ms until stopped. @returns the longest time without an answer, milliseconds */
function watchGap(): { stop(): Promise<number> } {
  let running = true;
  const done = (async () => {
    let gap = 0;
    let last = performance.now();
    while (running) {
      const begin = performance.now();
      if ((await ask()) !== undefined) {
        gap = Math.max(gap, performance.now() - last);
        last = performance.now();
      }
      await sleep(Math.max(0, pollEvery - (performance.now() - begin)));
    }
    return Math.max(gap, performance.now() - last);
  })();
  return {
    stop: () => {
      running = false;
      return done;
    },
  };
}

async function served(version: string | undefined): Promise<void> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && (version === undefined || answer === version)) return;
    await sleep(pollEvery);
  }
}

/** Asks for progress without a pause. @returns when each status was first seen, and the slowest answer, milliseconds */
async function follow(
  client: ControlClient,
  name: string,
  last: ProgressJson['status'][],
): Promise<{ seen: Map<string, number>; slowest: number }> {
  const seen = new Map<string, number>();
  let slowest = 0;
  for (;;) {
    const begin = performance.now();
    const { status } = await client.stepProgress(name);
    slowest = Math.max(slowest, performance.now() - begin);
    if (!seen.has(status)) seen.set(status, performance.now());
    if (last.includes(status)) return { seen, slowest };
    await sleep(1);
  }
}

async function store(client: ControlClient, directory: string, name: string, recipe: RevisionRecipe): Promise<void> {
  const { state, objects, ids } = await writeRevision(directory, recipe, name.replace('/', '-'));
  for (const id of new Set(Object.values(ids))) {
    const { size } = await stat(`${objects}/${id}`);
    await client.putObject(id, { pieces: createReadStream(`${objects}/${id}`), size });
  }
  await client.putStep(name, await readFile(state, 'utf8'));
}

const measured = {
  testing: [] as number[],
  updated: [] as number[],
  gap: [] as number[],
  restart: [] as number[],
  slowest: [] as number[],
  done: [] as number[],
  rollback: [] as number[],
};

async function inPlace(device: RunningDevice, directory: string, round: number): Promise<void> {
  const { client } = device;
  const name = `locals/place${round}`;
  await store(client, directory, name, revision(name));
  await served(undefined);
  const restart = watchGap();
  const before = (await client.containerDetails()).find((container) => container.name === 'web')?.pid;
  await client.controlContainer('web', 'restart');
  for (;;) {
    const web = (await client.containerDetails()).find((container) => container.name === 'web');
    if (web?.status === 'STARTED' && web.pid !== before) break;
    await sleep(1);
  }
  await served(undefined);
  measured.restart.push(await restart.stop());

  const gap = watchGap();
  await client.command('LOCAL_RUN', name);
  const accepted = performance.now();
  const { seen, slowest } = await follow(client, name, ['UPDATED', 'ERROR', 'WONTGO']);
  await served(name);
  measured.gap.push(await gap.stop());
  const [testing, updated] = [seen.get('TESTING'), seen.get('UPDATED')];
  if (testing === undefined || updated === undefined) throw new Error(`cannot measure: ${[...seen.keys()].join()}`);
  measured.testing.push(testing - accepted);
  measured.updated.push(updated - testing - commitDelay * 1000);
  measured.slowest.push(slowest);
}

const installed = await InstalledDevice.install(revision('first'));
const work = join(installed.storage, '..', 'updates');
let device = await installed.start(environment);
try {
  for (let round = 0; round < repeats; round += 1) await inPlace(device, work, round);

  for (let round = 0; round < repeats; round += 1) {
    const name = `locals/boot${round}`;
    await store(device.client, work, name, revision(name));
    const begin = performance.now();
    await device.client.command('LOCAL_RUN_COMMIT', name);
    await device.process.exited;
    device = await installed.start(environment);
    await follow(device.client, name, ['DONE']);
    measured.done.push(performance.now() - begin - commitDelay * 1000);

    const bad = `locals/bad${round}`;
    await store(device.client, work, bad, revision(bad, probeContainer('web', ['crash', '1'], { config: {} })));
    const failing = performance.now();
    await device.client.command('LOCAL_RUN_COMMIT', bad);
    await device.process.exited;
    // The revision may be up for a moment before it fails, or not.
    await installed.start(environment).then(
      ({ process }) => process.exited,
      () => undefined,
    );
    device = await installed.start(environment);
    const { status } = JSON.parse(readFileSync(`${installed.storage}/trails/${bad}/.pv/progress`, 'utf8'));
    if (status !== 'ERROR') throw new Error(`cannot measure: the bad revision ended as ${status}`);
    measured.rollback.push(performance.now() - failing);
  }
} finally {
  await device.stop();
  await installed.remove();
}

const row = (label: string, times: number[], aim: string, original: string): string[] => [
  label,
  spread(times, 0),
  aim,
  original,
];
printTable(
  `Update of one of ${others + 1} containers, milliseconds, median (least..greatest) of ${repeats}`,
  ['', 'takes', 'aim', 'original, elsewhere'],
  [
    row('in place: accepted to TESTING', measured.testing, '500', '7000..8200'),
    row('in place: TESTING to UPDATED readable, less the commit delay', measured.updated, '100', '11000 late'),
    row('in place: service gap of the changed container', measured.gap, 'restart + 50', '1000 + 5000'),
    row('restart of the same container by request', measured.restart, '', ''),
    row('slowest answer of the control socket meanwhile', measured.slowest, '10', '6000'),
    row('by reboot: accepted to DONE, less the commit delay', measured.done, '', ''),
    row('by reboot: accepted to ERROR and the previous one up', measured.rollback, '', ''),
  ],
);
console.log(`  gap to restart: ${(median(measured.gap) / median(measured.restart)).toFixed(2)}`);
