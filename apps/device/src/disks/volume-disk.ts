/** Disks that are formatted each time: compressed memory, or a device of the board that may lose what is on it (boot.md §5). */
import type { Disk } from '@pantavisor/state';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import type { Log } from '../runtime/log.ts';
import { longTimeout, runProgram } from '../runtime/programs.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { readMountOptions } from './mount-options.ts';
import { releaseZram, takeZram } from './zram.ts';

type VolumeDiskHost = Pick<Host, 'files' | 'mounts' | 'processes'>;

const formats: readonly string[] = ['ext3', 'ext4'];

/**
 * Provides, formats and mounts the disk on `target`.
 * @returns its device
 * @throws Failure
 */
export async function openVolumeDisk(host: VolumeDiskHost, disk: Disk, target: string, log: Log): Promise<string> {
  const { name, provision, path, format = '', formatOptions, mountOptions } = disk;
  const refuse = (why: string, hint?: string) =>
    new Failure('disk-volume', `cannot open the disk ${name}: ${why}`, hint === undefined ? {} : { hint });
  if (!formats.includes(format))
    throw refuse(`its format is ${JSON.stringify(format)}`, `use one of ${formats.join(', ')}`);
  if (provision !== 'zram' && path === undefined) throw refuse('it has no path');
  const { flags, unknown } = readMountOptions(mountOptions);
  for (const word of unknown)
    log('WARN', 'disks', `cannot use the mount option ${JSON.stringify(word)} of the disk ${name}`);
  const device = provision === 'zram' ? await takeZram(host, name, disk.provisionOptions) : (path ?? '');
  try {
    const words = (formatOptions ?? '').split(/\s+/).filter((word) => word !== '');
    const argv = ['mke2fs', '-q', '-F', '-t', format, ...words, device];
    await runProgram(host, `format the disk ${name}`, argv, { timeout: longTimeout });
    await makeDirectories(host.files, target);
    await host.mounts.mount({ source: device, target, type: format, flags });
  } catch (error) {
    if (provision === 'zram') await releaseZram(host, device);
    throw error;
  }
  return device;
}

/** Takes it away with everything on it. */
export async function closeVolumeDisk(
  host: VolumeDiskHost,
  { provision }: Disk,
  target: string,
  device: string,
): Promise<void> {
  if ((await host.mounts.list()).some((mount) => mount.target === target)) await host.mounts.unmount(target);
  if (provision === 'zram') await releaseZram(host, device);
}
