/**
 * The small host against the Node host in one run: size, start, memory, requests, growth, reading a state, 20 containers. The ratio is small
 * to Node; where the original was measured elsewhere its figure stands beside.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseState } from '@pantavisor/state';
import { buildProgram } from '../apps/device/src/host/small/testing/build.ts';
import { controlSocketOf } from '../scripts/start/watch.ts';
import { benchContainers, InstalledDevice } from './measure/device.ts';
import { askContainers, measureUpdates } from './measure/growth.ts';
import { readBenchOptions } from './measure/options.ts';
import { memoryOf } from './measure/processes.ts';
import { median, printTable } from './measure/table.ts';

const { requests, updates, repeats } = readBenchOptions(import.meta.filename, {
  requests: { fallback: 10_000, help: 'requests of each measurement' },
  updates: { fallback: 100, help: 'updates between the two looks at memory' },
  repeats: { fallback: 5, help: 'starts of each' },
});
const checkout = fileURLToPath(new URL('..', import.meta.url));
/** What starts the device: the small host is one file, Node needs its launcher. */
const programs = {
  small: `${checkout}build/small-host/${process.arch}/pantavisor`,
  node: `${checkout}apps/device/bin/pantavisor`,
};
const hosts = ['small', 'node'] as const;
type HostName = (typeof hosts)[number];

interface Figure {
  name: string;
  small: number;
  node: number | undefined;
  digits: number;
  original?: string;
}
const figures: Figure[] = [];

async function compare(
  name: string,
  digits: number,
  measure: (host: HostName) => Promise<number>,
  original?: string,
): Promise<void> {
  const [small, node] = [await measure('small'), await measure('node')];
  figures.push({ name, small, node, digits, ...(original === undefined ? {} : { original }) });
}

/** Milliseconds from the start of the process until the control socket takes a connection. */
async function timeToSocket(host: HostName): Promise<number> {
  const times: number[] = [];
  const storage = realpathSync(mkdtempSync(`${tmpdir()}/bench-small-`));
  const socket = controlSocketOf(storage);
  const state = `${storage}.json`;
  writeFileSync(state, '{"#spec":"pantavisor-service-system@1"}');
  try {
    for (let round = 0; round < repeats; round += 1) {
      const begin = performance.now();
      const child = spawn(programs[host], ['--storage', storage, '--state', state, '--objects', storage], {
        env: { ...process.env, PANTAVISOR_HOST: host, PV_NET_BRDEV: '' },
        stdio: 'ignore',
      });
      const ended = once(child, 'exit').then(() => 'ended' as const);
      while (!(await takesConnection(socket))) {
        const next = new Promise<'again'>((resolve) => setTimeout(() => resolve('again'), 1));
        if ((await Promise.race([ended, next])) === 'ended')
          throw new Error(`the ${host} host ended before it answered`);
      }
      times.push(performance.now() - begin);
      child.kill('SIGINT');
      await ended;
    }
  } finally {
    rmSync(storage, { recursive: true, force: true });
    rmSync(state);
  }
  return median(times);
}

function takesConnection(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}

async function withDevice(host: HostName, count: number): Promise<void> {
  const installed = await InstalledDevice.install(benchContainers(count));
  const device = await installed.start({ PANTAVISOR_HOST: host });
  try {
    const pid = device.process.pid ?? 0;
    const idle = memoryOf(pid);
    note(`RSS idle, ${count} containers, MB`, host, idle.rss / 1024, 1, count === 20 ? '4.9' : undefined);
    note(`private idle, ${count} containers, MB`, host, idle.private / 1024, 1);
    if (count === 0) return;
    note('until 20 containers are STARTED, ms', host, device.readyAfter, 0, '850');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { socketPath } = device.client;
    for (let left = Math.min(500, requests); left > 0; left -= 1) await askContainers(socketPath, agent);
    const before = memoryOf(pid).private;
    const begin = performance.now();
    for (let left = requests; left > 0; left -= 1) await askContainers(socketPath, agent);
    note('GET /containers a second, 20 containers', host, requests / ((performance.now() - begin) / 1000), 0, '2500');
    note(`private growth over ${requests} requests, MB`, host, (memoryOf(pid).private - before) / 1024, 2);
    agent.destroy();
  } finally {
    await device.stop();
    await installed.remove();
  }
}

/** The first tenth warms up. */
async function withUpdates(host: HostName): Promise<void> {
  const series: number[] = [];
  const each = await measureUpdates(host, updates, (memory) => series.push(memory.private));
  note(`private growth over ${updates} updates, MB`, host, (series.at(-1)! - series[0]!) / 1024, 2);
  note('one update in place, ms', host, each, 0);
}

function note(name: string, host: HostName, value: number, digits: number, original?: string): void {
  let figure = figures.find((each) => each.name === name);
  if (!figure) {
    figure = { name, small: Number.NaN, node: undefined, digits, ...(original === undefined ? {} : { original }) };
    figures.push(figure);
  }
  figure[host] = value;
}

/** A state of a megabyte, like those in the field. */
function largeState(): string {
  const state: Record<string, unknown> = { '#spec': 'pantavisor-service-system@1' };
  const id = (seed: number) => (seed * 2654435761).toString(16).padStart(16, '0').repeat(4).slice(0, 64);
  let index = 0;
  for (let length = 0; length < 1e6; index += 1) {
    const key = `_config/container-${index % 50}/etc/app/conf.d/${index}.conf`;
    state[key] = id(index);
    length += key.length + 71;
  }
  return JSON.stringify(state);
}

async function timeToParse(host: HostName): Promise<number> {
  const text = largeState();
  if (host === 'node') {
    const times = Array.from({ length: 5 }, () => {
      const begin = performance.now();
      parseState(text, { initMode: 'appengine' });
      return performance.now() - begin;
    });
    return Math.min(...times);
  }
  const file = `${mkdtempSync(`${tmpdir()}/bench-small-`)}/state.json`;
  writeFileSync(file, text);
  const { executable } = buildProgram('testing/parse.ts');
  try {
    return Number(execFileSync(executable, [file], { encoding: 'utf8', timeout: 60_000 }));
  } finally {
    rmSync(dirname(file), { recursive: true });
  }
}

const built = spawnSync(process.execPath, [`${checkout}apps/device/build-small.ts`], { encoding: 'utf8' });
if (built.status !== 0) throw new Error(`cannot build the small host: ${built.stderr}`);
const executable = built.stdout.trim();
const packed = execFileSync('xz', ['-9e', '-c', executable], { maxBuffer: 1 << 26 }).length;
const node = process.execPath;
figures.push(
  { name: 'executable, MB', small: statSync(executable).size / 1e6, node: statSync(node).size / 1e6, digits: 2 },
  { name: 'executable as xz, MB', small: packed / 1e6, node: undefined, digits: 2 },
);
await compare('start to control socket, ms', 0, timeToSocket);
for (const count of [0, 20]) for (const host of hosts) await withDevice(host, count);
for (const host of hosts) await withUpdates(host);
await compare('parseState of 1 MB, ms', 0, timeToParse);

printTable(
  'Small host and Node host (original: measured elsewhere, for orientation)',
  ['', 'small', 'Node', 'ratio', 'original'],
  figures.map(({ name, small, node: other, digits, original = '' }) => [
    name,
    small.toFixed(digits),
    other?.toFixed(digits) ?? '',
    other === undefined ? '' : (small / other).toFixed(2),
    original,
  ]),
);
