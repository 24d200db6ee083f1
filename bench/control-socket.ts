/**
 * GET /containers on the control socket of a device with 0 and 20 containers: requests per second and latency, one client
 * after the other and eight at once, over connections that stay and over a new one each time. The reference of the same run is a bare
 * `node:http` server on a unix socket that answers the same bytes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchContainers, InstalledDevice } from './measure/device.ts';
import { printTable, quantile } from './measure/table.ts';

const { values } = parseArgs({ options: { requests: { type: 'string', default: '10000' } } });
const total = Number(values.requests);
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

function ask(socketPath: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ socketPath, agent, path: '/containers', headers: { Host: 'localhost' } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    request.on('error', reject);
  });
}

interface Measured {
  perSecond: number;
  p50: number;
  p99: number;
}

async function measure(socketPath: string, { clients, keepAlive }: Way, requests: number): Promise<Measured> {
  const agent = new Agent({ keepAlive, maxSockets: clients });
  const latencies: number[] = [];
  const client = async () => {
    for (let left = requests / clients; left > 0; left -= 1) {
      const begin = performance.now();
      await ask(socketPath, agent);
      latencies.push(performance.now() - begin);
    }
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - begin) / 1000;
  agent.destroy();
  return { perSecond: latencies.length / seconds, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
}

/** Serves one body from another process, as the device does. */
async function withBareServer<T>(body: string, use: (socketPath: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-control-'));
  const [socketPath, bodyPath] = [join(directory, 'socket'), join(directory, 'body')];
  writeFileSync(bodyPath, body);
  const program = `const body = require('node:fs').readFileSync(${JSON.stringify(bodyPath)}, 'utf8');
    require('node:http').createServer((_, answer) => {
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

const rows: string[][] = [];
for (const count of [0, 20]) {
  const installed = await InstalledDevice.install(benchContainers(count));
  const device = await installed.start();
  try {
    const socketPath = device.client.socketPath;
    const body = await ask(socketPath, new Agent());
    await withBareServer(body, async (reference) => {
      for (const way of ways) {
        for (const path of [socketPath, reference]) await measure(path, way, warmUp);
        const own = await measure(socketPath, way, total);
        const bare = await measure(reference, way, total);
        const cells = (measured: Measured) => [
          measured.perSecond.toFixed(0),
          measured.p50.toFixed(3),
          measured.p99.toFixed(2),
        ];
        const ratio = (own.perSecond / bare.perSecond).toFixed(2);
        rows.push([`${count} containers, ${way.name}`, ...cells(own), ...cells(bare), ratio]);
      }
    });
  } finally {
    await device.stop();
    await installed.remove();
  }
}
printTable(
  'GET /containers: requests per second, median and p99 in milliseconds (the original, elsewhere: 2500 to 4100, with eight clients 10000)',
  ['', 'pantavisor', 'p50', 'p99', 'bare node:http', 'p50', 'p99', 'ratio'],
  rows,
);
