/**
 * Log lines per second that a device takes from one and from ten containers, with loss counted, to the tree of files and to the single
 * file; and the processor time of the runtime at 1,000 lines a second. The reference of the same run is the same container appending
 * straight to a file.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { controlSocketOf } from '../scripts/start/watch.ts';
import { benchContainers, InstalledDevice, type RunningDevice } from './measure/device.ts';
import { readBenchOptions } from './measure/options.ts';
import { processorUseOf } from './measure/processes.ts';
import { printTable } from './measure/table.ts';

const { lines } = readBenchOptions(import.meta.filename, {
  lines: { fallback: 50_000, help: 'lines of each container' },
});
const text = 'a line of a container that says what it does';
const run = promisify(execFile);

/** A shell that writes so many numbered lines to a program or file. */
const writer = (count: number, target: string) => `seq 1 ${count} | sed "s/$/ ${text}/" ${target}`;

function attach(lxc: string, name: string, command: string): Promise<unknown> {
  return run('lxc-attach', ['-n', name, '-P', lxc, '--', '/bin/sh', '-c', command], { timeout: 120_000 });
}

/** Lines of a log and its archives. */
function linesIn(pattern: string): number {
  let count = 0;
  for (const path of globSync(pattern)) {
    const bytes = path.endsWith('.gz') ? gunzipSync(readFileSync(path)) : readFileSync(path);
    count += bytes.toString().split(text).length - 1;
  }
  return count;
}

/** Waits until the number stays the same for a second. */
async function settled(count: () => number, wanted: number): Promise<{ count: number; at: number }> {
  let [last, at] = [count(), performance.now()];
  while (last < wanted && performance.now() - at < 2000) {
    await pause(20);
    const now = count();
    if (now !== last) at = performance.now();
    last = now;
  }
  return { count: last, at };
}

const rows: string[][] = [];
let reference = 0;

function row(what: string, written: number, kept: number, milliseconds: number, processor: number): void {
  const rate = kept / (milliseconds / 1000);
  if (reference === 0) reference = rate;
  const share = `${((processor / milliseconds) * 100).toFixed(0)} %`;
  rows.push([what, rate.toFixed(0), String(written - kept), share, `${(rate / reference).toFixed(3)}x`]);
}

async function measure(
  device: RunningDevice,
  storage: string,
  output: string,
  names: string[],
  way: 'file' | 'syslog',
) {
  const lxc = controlSocketOf(storage).replace(/\/pv\/pv-ctrl$/, '/lxc');
  const source = way === 'file' ? 'var/log/messages' : 'bench';
  const pattern = output === 'filetree' ? `${storage}/logs/0/*/${source}*` : `${storage}/logs/0/pv.log*`;
  const count = way === 'file' ? lines : Math.ceil(lines / 5);
  const target = way === 'file' ? '>> /var/log/messages' : '| logger -t bench';
  const before = linesIn(pattern);
  await Promise.all(names.map((name) => attach(lxc, name, 'mkdir -p /var/log')));
  const pid = device.process.pid ?? 0;
  const [begin, use] = [performance.now(), processorUseOf(pid).milliseconds];
  await Promise.all(names.map((name) => attach(lxc, name, writer(count, target))));
  const end = await settled(() => linesIn(pattern) - before, count * names.length);
  row(
    `${names.length} by ${way} to ${output}`,
    count * names.length,
    end.count,
    end.at - begin,
    processorUseOf(pid).milliseconds - use,
  );
}

function direct(): void {
  const directory = mkdtempSync(join(tmpdir(), 'bench-logs-'));
  try {
    const file = join(directory, 'messages');
    const begin = performance.now();
    execFileSync('/bin/sh', ['-c', writer(lines, `>> ${file}`)]);
    row('straight to a file', lines, linesIn(file), performance.now() - begin, 0);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const steadyRate = 1000;
const steadySeconds = 10;

/**
 * Processor time of the runtime while one container writes 1,000 lines a second. The pace is kept here, by the clock, and handed to one
 * program inside: a shell in the container that sleeps between lines would need the processor for itself and never keep up.
 */
async function steady(device: RunningDevice, storage: string): Promise<string> {
  const lxc = controlSocketOf(storage).replace(/\/pv\/pv-ctrl$/, '/lxc');
  const pattern = `${storage}/logs/0/c00/var/log/steady*`;
  await attach(lxc, 'c00', 'mkdir -p /var/log');
  const before = linesIn(pattern);
  const inside = ['-n', 'c00', '-P', lxc, '--', '/bin/sh', '-c', 'cat >> /var/log/steady'];
  const writing = spawn('lxc-attach', inside, { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(writing, 'close');
  const pid = device.process.pid ?? 0;
  const [begin, use] = [performance.now(), processorUseOf(pid).milliseconds];
  const total = steadyRate * steadySeconds;
  for (let written = 0; written < total; ) {
    await pause(20);
    const due = Math.min(total, Math.floor(((performance.now() - begin) / 1000) * steadyRate));
    writing.stdin.write(`${text}\n`.repeat(due - written));
    written = due;
  }
  writing.stdin.end();
  await ended;
  const { count, at } = await settled(() => linesIn(pattern) - before, total);
  const share = (processorUseOf(pid).milliseconds - use) / (at - begin);
  const rate = count / ((at - begin) / 1000);
  return `${(share * 100).toFixed(1)} % of one processor at ${rate.toFixed(0)} lines a second, ${total - count} lost`;
}

direct();
const containers = benchContainers(10).map((recipe) => ({
  ...recipe,
  runJson: { logs: [{ file: '/var/log/messages' }, { file: '/var/log/steady' }] },
}));
const installed = await InstalledDevice.install(containers);
let load = '';
try {
  for (const output of ['filetree', 'singlefile']) {
    const device = await installed.start({ PV_LOG_SERVER_OUTPUTS: output, PV_LOG_DIR_MAXSIZE: '0' });
    try {
      const names = containers.map(({ name }) => name);
      for (const way of ['file', 'syslog'] as const)
        for (const some of [names.slice(0, 1), names]) await measure(device, installed.storage, output, some, way);
      if (output === 'filetree') load = await steady(device, installed.storage);
    } finally {
      await device.stop();
    }
  }
} finally {
  if (existsSync(installed.storage)) await installed.remove();
}
printTable(
  `Log lines of containers, ${lines} each to a file, a fifth of it by syslog`,
  ['containers', 'lines/s', 'lost', 'runtime CPU', 'rate'],
  rows,
);
console.log(`\n  Runtime: ${load}`);
