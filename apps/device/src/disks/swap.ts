/** Swap disks: compressed memory, a file of the storage, or a partition (boot.md §5). */
import type { Disk } from '@pantavisor/state';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { longTimeout, runProgram } from '../runtime/programs.ts';
import { makeTree } from '../storage/durable.ts';
import { releaseZram, takeZram } from './zram.ts';

type SwapHost = Pick<Host, 'files' | 'processes'>;

const words = (text: string | undefined) => (text ?? '').split(/\s+/).filter((word) => word !== '');
const block = 64 * 1024;

/** Devices and files that are swap space now (`/proc/swaps`). */
async function swaps({ files }: SwapHost): Promise<string[]> {
  const text = await files.readText('/proc/swaps', 64 * 1024).catch(() => '');
  return text
    .split('\n')
    .slice(1)
    .map((line) => (line.split(/\s/, 1)[0] ?? '').replaceAll('\\040', ' '))
    .filter((name) => name !== '');
}

/** Bytes of `64M`, `1G`, `4096`; undefined when it is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(text);
  if (!match) return undefined;
  const unit = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(match[2] ?? '').toLowerCase()] ?? 1;
  return Number(match[1]) * unit;
}

/**
 * Makes a swap space and uses it; one that is in use already stays.
 * @param recorded zram device that an earlier runtime has taken for this disk
 * @returns its device or file
 * @throws Failure when it cannot be had
 */
export async function openSwap(host: SwapHost, disk: Disk, recorded: string | undefined): Promise<string> {
  const { name, provision } = disk;
  if (provision === undefined)
    throw new Failure('disk-swap', `cannot use the swap disk ${name}: it has no provision`, {
      hint: 'set "provision" to zram, file or the kind of device',
    });
  const used = await swaps(host);
  if (recorded !== undefined && used.includes(recorded)) return recorded;
  const device =
    provision === 'zram' ? await takeZram(host, name, disk.provisionOptions) : await pathOf(host, disk, used);
  if (used.includes(device)) return device;
  try {
    await runProgram(host, `make the swap disk ${name}`, ['mkswap', ...words(disk.formatOptions), device]);
    await runProgram(host, `use the swap disk ${name}`, ['swapon', ...words(disk.mountOptions), device]);
  } catch (error) {
    if (provision === 'zram') await releaseZram(host, device);
    throw error;
  }
  return device;
}

/** Stops using it. */
export async function closeSwap(host: SwapHost, { name, provision }: Disk, device: string): Promise<void> {
  if ((await swaps(host)).includes(device)) await runProgram(host, `leave the swap disk ${name}`, ['swapoff', device]);
  if (provision === 'zram') await releaseZram(host, device);
}

async function pathOf(host: SwapHost, disk: Disk, used: readonly string[]): Promise<string> {
  const { name, provision, path } = disk;
  if (path === undefined) throw new Failure('disk-swap', `cannot use the swap disk ${name}: it has no path`);
  if (provision === 'file' && !used.includes(path)) await makeFile(host, disk, path);
  return path;
}

async function makeFile(host: SwapHost, { name, provisionOptions }: Disk, path: string): Promise<void> {
  const option = words(provisionOptions).find((word) => word.startsWith('size='));
  const size = parseSize(option?.slice('size='.length) ?? '');
  if (size === undefined || size === 0)
    throw new Failure('disk-swap', `cannot make the swap disk ${name}: provision_options give no size`, {
      hint: 'write "size=64M"',
    });
  await makeTree(host.files, path.slice(0, path.lastIndexOf('/')));
  const found = await host.files.status(path, { follow: true });
  if (found?.kind === 'file' && found.size === Math.ceil(size / block) * block) return;
  const argv = ['dd', 'if=/dev/zero', `of=${path}`, `bs=${block}`, `count=${Math.ceil(size / block)}`];
  await runProgram(host, `make the swap disk ${name}`, argv, { timeout: longTimeout });
  // The kernel would not take swap that others can read.
  await host.files.changeMode(path, 0o600);
}
