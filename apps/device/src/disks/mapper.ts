/** Mapped devices (dm-crypt, dm-verity) over loop devices, with dmsetup(8) and losetup(8). */
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { runProgram } from '../runtime/programs.ts';

export type MapperHost = Pick<Host, 'files' | 'processes'>;

/** Nobody else makes nodes of mapped devices here, so dmsetup has to do it itself. */
const environment = { DM_DISABLE_UDEV: '1' };
const sectorSize = 512;
/** Another process may take the free loop device first. */
const attempts = 8;

/** Sectors of 512 bytes that a file has. */
export async function sectorsOf({ files }: MapperHost, path: string): Promise<number> {
  const size = (await files.status(path, { follow: true }))?.size ?? 0;
  return Math.floor(size / sectorSize);
}

/**
 * Puts a file behind a loop device for the time of `use`. Whatever has opened the device then keeps it; the kernel frees it with the last one.
 */
export async function withLoop<T>(
  host: MapperHost,
  file: string,
  readOnly: boolean,
  use: (device: string) => Promise<T>,
): Promise<T> {
  const device = await attach(host, file, readOnly);
  try {
    return await use(device);
  } finally {
    await runProgram(host, `let ${device} go`, ['losetup', '-d', device]).catch(() => undefined);
  }
}

async function attach(host: MapperHost, file: string, readOnly: boolean): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const device = (await runProgram(host, 'find a free loop device', ['losetup', '-f'])).trim();
    try {
      await runProgram(host, `attach ${file}`, ['losetup', ...(readOnly ? ['-r'] : []), device, file]);
      return device;
    } catch (error) {
      if (attempt === attempts) throw error;
    }
  }
}

/** Path of a mapped device. */
export const mappedPath = (name: string) => `/dev/mapper/${name}`;

/**
 * Makes a mapped device of one target. The table goes through standard input: it may hold a key.
 * @param target e.g. `crypt aes-cbc-essiv:sha256 <key> 0 /dev/loop0 0`
 * @returns its path
 * @throws Failure `program` with dmsetup's words
 */
export async function createMapped(
  host: MapperHost,
  name: string,
  sectors: number,
  target: string,
  readOnly = false,
): Promise<string> {
  if (sectors === 0) throw new Failure('disk-empty', `cannot open ${name}: what it lies on is empty or missing`);
  const module = `dm-${target.split(' ', 1)[0]}`;
  // What is built into the kernel, or loaded, needs no module.
  await host.processes.run(['modprobe', '-q', module]).catch(() => undefined);
  const argv = ['dmsetup', 'create', name, ...(readOnly ? ['--readonly'] : [])];
  await runProgram(host, `open the mapped device ${name}`, argv, { input: `0 ${sectors} ${target}\n`, environment });
  return mappedPath(name);
}

/** Removes a mapped device; one that is not there is fine. */
export async function removeMapped(host: MapperHost, name: string): Promise<void> {
  if (!(await isMapped(host, name))) return;
  await runProgram(host, `close the mapped device ${name}`, ['dmsetup', 'remove', '--retry', name], { environment });
}

async function isMapped({ files }: MapperHost, name: string): Promise<boolean> {
  for (const { name: device } of await files.list('/sys/block').catch(() => [])) {
    if (!device.startsWith('dm-')) continue;
    const known = await files.readText(`/sys/block/${device}/dm/name`, 4096).catch(() => '');
    if (known.trim() === name) return true;
  }
  return false;
}
