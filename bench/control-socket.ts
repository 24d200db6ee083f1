/**
 * Requests on the control socket of a device: GET /containers with 0 and 20 containers, GET /user-meta with 100 keys, and PUT /user-meta, whose
 * answer waits for the disk. Requests per second and latency, one client after the other and eight at once, over connections that stay
 * and over a new one each time. The reference of the same run is a bare `node:http` server on a unix socket that answers the same
 * bytes; for PUT it writes each value to a file, syncs it and renames it first.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchContainers, InstalledDevice } from './measure/device.ts';
import { readBenchOptions } from './measure/options.ts';
import { printTable, quantile } from './measure/table.ts';

const { requests: total } = readBenchOptions(import.meta.filename, {
  requests: { fallback: 10_000, help: 'requests of each measurement' },
});
const warmUp = Math.min(500, total);

interface Way {
  name: string;
  clients: number;
  keepAlive: boolean;
}
const ways: Way[] = [
  { name: 'one client', clients: 1, keepAlive: true },
  { name: 'eight clients', clients: 8, keepAlive: true },
  { name: 'one client, new connections', clients: 1, keepAlive: false },
];

/** What is asked for. `n` counts the requests, so that every value that is put is a new one. */
interface Question {
  name: string;
  method: 'GET' | 'PUT';
  path(n: number): string;
  body?(n: number): string;
  /** Fewer where each waits for the disk. */
  requests: number;
}

function ask(socketPath: string, agent: Agent, question: Question, n: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const { method } = question;
    const body = question.body?.(n);
    const headers = {
      Host: 'localhost',
      ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
    };
    const going = request({ socketPath, agent, method, path: question.path(n), headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    going.on('error', reject);
    going.end(body);
  });
}

interface Measured {
  perSecond: number;
  p50: number;
  p99: number;
}

/** Requests so far. */
let asked = 0;

async function measure(socketPath: string, question: Question, way: Way, requests: number): Promise<Measured> {
  const { clients, keepAlive } = way;
  const agent = new Agent({ keepAlive, maxSockets: clients });
  const latencies: number[] = [];
  const client = async () => {
    for (let left = requests / clients; left > 0; left -= 1) {
      const begin = performance.now();
      asked += 1;
      await ask(socketPath, agent, question, asked);
      latencies.push(performance.now() - begin);
    }
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - begin) / 1000;
  agent.destroy();
  return { perSecond: latencies.length / seconds, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
}

/** Serves one body from another process, as the device does, and keeps what it is given as durably. */
async function withBareServer<T>(body: string, use: (socketPath: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-control-'));
  const [socketPath, bodyPath] = [join(directory, 'socket'), join(directory, 'body')];
  writeFileSync(bodyPath, body);
  const program = `const { readFileSync } = require('node:fs');
    const fs = require('node:fs/promises');
    const body = readFileSync(${JSON.stringify(bodyPath)}, 'utf8');
    const directory = ${JSON.stringify(directory)};
    let number = 0;
    async function keep(request) {
      let text = '';
      for await (const piece of request) text += piece;
      const path = directory + '/value-' + (number += 1);
      const file = await fs.open(path + '.tmp', 'w');
      await file.writeFile(text);
      await file.sync();
      await file.close();
      await fs.rename(path + '.tmp', path);
      const parent = await fs.open(directory);
      await parent.sync();
      await parent.close();
    }
    require('node:http').createServer(async (request, answer) => {
      if (request.method === 'PUT') {
        await keep(request);
        answer.end();
        return;
      }
      answer.setHeader('Content-Type', 'application/json');
      answer.end(body);
    }).listen(${JSON.stringify(socketPath)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    return await use(socketPath);
  } finally {
    child.kill();
    await once(child, 'exit');
    rmSync(directory, { recursive: true });
  }
}

const containers: Question = { name: 'GET /containers', method: 'GET', path: () => '/containers', requests: total };
const userMeta: Question = { name: 'GET /user-meta', method: 'GET', path: () => '/user-meta', requests: total };
const putUserMeta: Question = {
  name: 'PUT /user-meta',
  method: 'PUT',
  path: (n) => `/user-meta/bench.key${n % 100}`,
  body: (n) => `value ${n}`,
  requests: Math.ceil(total / 10),
};

const rows: string[][] = [];

async function compare(socketPath: string, label: string, question: Question): Promise<void> {
  const body = question.method === 'GET' ? await ask(socketPath, new Agent(), question, 0) : '';
  await withBareServer(body, async (reference) => {
    for (const way of ways) {
      for (const path of [socketPath, reference])
        await measure(path, question, way, Math.min(warmUp, question.requests));
      const own = await measure(socketPath, question, way, question.requests);
      const bare = await measure(reference, question, way, question.requests);
      const cells = (measured: Measured) => [
        measured.perSecond.toFixed(0),
        measured.p50.toFixed(3),
        measured.p99.toFixed(2),
      ];
      rows.push([`${label}, ${way.name}`, ...cells(own), ...cells(bare), (own.perSecond / bare.perSecond).toFixed(2)]);
    }
  });
}

for (const count of [0, 20]) {
  const installed = await InstalledDevice.install(benchContainers(count));
  const device = await installed.start();
  try {
    const { socketPath } = device.client;
    await compare(socketPath, `${containers.name}, ${count} containers`, containers);
    if (count > 0) continue;
    await compare(socketPath, putUserMeta.name, putUserMeta);
    await compare(socketPath, `${userMeta.name}, 100 keys`, userMeta);
  } finally {
    await device.stop();
    await installed.remove();
  }
}
printTable(
  'Requests per second, median and p99 in milliseconds (the original, elsewhere, GET /containers: 2500 to 4100, with eight clients 10000)',
  ['', 'pantavisor', 'p50', 'p99', 'bare node:http', 'p50', 'p99', 'ratio'],
  rows,
);
