/** What a device says about itself: the built-in keys of device metadata that come from the kernel (metadata.md §4). */
import type { Clock, Files, System } from '../host/ports.ts';
import { readIfThere } from '../storage/durable.ts';

export interface FactsHost {
  files: Files;
  clock: Clock;
  system: Pick<System, 'kernelRelease' | 'machine'>;
}

const procLimit = 4 * 1024 * 1024;
const bigEndian = /^(mips(?!.*el)|ppc(?!.*le)|powerpc(?!.*le)|s390|sparc|armeb|aarch64_be)/;

const textOf = async ({ files }: Pick<FactsHost, 'files'>, path: string) =>
  (await readIfThere(files, path, procLimit).catch(() => undefined)) ?? '';

/** `<machine>/<bits>/EL` or `EB`, e.g. `aarch64/64/EL`. */
export function architecture(machine: string): string {
  const bits = /64|s390x/.test(machine) ? 64 : 32;
  return `${machine}/${bits}/${bigEndian.test(machine) ? 'EB' : 'EL'}`;
}

/** Model of the board by its device tree; empty when there is none. */
export async function boardModel(host: Pick<FactsHost, 'files'>): Promise<string> {
  return (await textOf(host, '/proc/device-tree/model')).split('\0')[0] ?? '';
}

/** First `model name` of /proc/cpuinfo; empty when there is none. */
export async function cpuModel(host: Pick<FactsHost, 'files'>): Promise<string> {
  return /^model name\s*: ?(.*)$/m.exec(await textOf(host, '/proc/cpuinfo'))?.[1] ?? '';
}

/** `pantavisor.uname`: uname(2) as JSON. */
export async function unameJson(host: FactsHost): Promise<string> {
  const kernel = async (name: string) => (await textOf(host, `/proc/sys/kernel/${name}`)).trim();
  return JSON.stringify({
    'kernel.name': (await kernel('ostype')) || 'Linux',
    'kernel.release': host.system.kernelRelease,
    'kernel.version': await kernel('version'),
    'node.name': await kernel('hostname'),
    machine: host.system.machine,
  });
}

/** `time`: time of day; the kernel's own time zone has been of no use for decades, and is given as 0. */
export function timeJson(clock: Pick<Clock, 'wall'>): string {
  const now = clock.wall();
  const seconds = Math.floor(now / 1000);
  return JSON.stringify({
    timeval: { tv_sec: seconds, tv_usec: Math.floor((now - seconds * 1000) * 1000) },
    timezone: { tz_minuteswest: 0, tz_dsttime: 0 },
  });
}

/** Load averages are scaled by this in sysinfo(2). */
const loadScale = 65_536;

/** `sysinfo`: what sysinfo(2) gives, taken from /proc; sizes in bytes. */
export async function sysinfoJson(host: Pick<FactsHost, 'files'>): Promise<string> {
  const [uptime, loads, memory] = await Promise.all(
    ['/proc/uptime', '/proc/loadavg', '/proc/meminfo'].map((path) => textOf(host, path)),
  );
  const load = (loads ?? '').split(' ');
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(memory ?? '')?.[1] ?? 0) * 1024;
  const scaled = (index: number) => Math.round(Number.parseFloat(load[index] ?? '') * loadScale) || 0;
  return JSON.stringify({
    uptime: Math.floor(Number.parseFloat(uptime ?? '')) || 0,
    'loads.0': scaled(0),
    'loads.1': scaled(1),
    'loads.2': scaled(2),
    totalram: bytes('MemTotal'),
    freeram: bytes('MemFree'),
    sharedram: bytes('Shmem'),
    bufferram: bytes('Buffers'),
    totalswap: bytes('SwapTotal'),
    freeswap: bytes('SwapFree'),
    procs: Number(load[3]?.split('/')[1] ?? 0) || 0,
    totalhigh: bytes('HighTotal'),
    freehigh: bytes('HighFree'),
    mem_unit: 1,
  });
}
