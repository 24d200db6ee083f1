/** Loop devices - loop(4). */
import { closeSync } from 'node:fs';
import { addon } from './addon.ts';
import { type MountOption, mount } from './mount.ts';

export interface LoopDevice {
  /** `/dev/loopN` */
  device: string;
  /** Keeps an autoclearing device alive until it is mounted; to be closed by the caller. */
  descriptor: number;
}

/**
 * Puts an image behind the next free loop device, in one step (LOOP_CONFIGURE, Linux 5.8). Takes the next device when another process
 * was faster.
 * @param options `autoclear`: the kernel frees the device with its last use (default true); `offset` and `sizeLimit` in bytes,
 *   0 means all
 * @throws Error with code, syscall, path (image) and dest (device)
 */
export async function attachLoop(
  image: string,
  options: { readOnly: boolean; autoclear?: boolean; offset?: number; sizeLimit?: number },
): Promise<LoopDevice> {
  const { readOnly, autoclear = true, offset = 0, sizeLimit = 0 } = options;
  return addon.attachLoop(image, (readOnly ? 1 : 0) + (autoclear ? 2 : 0), offset, sizeLimit);
}

/** Frees a loop device, or marks it to be freed with its last use. ENXIO when nothing is behind it. */
export async function detachLoop(device: string): Promise<void> {
  await addon.detachLoop(device);
}

/**
 * Mounts a file system image over a loop device that the kernel frees with the mount, also if this process dies half-way.
 * @throws Error as of `attachLoop` and `mount`
 */
export async function mountImage(request: {
  image: string;
  target: string;
  filesystem: string;
  readOnly: boolean;
  flags?: readonly MountOption[];
  data?: string;
}): Promise<void> {
  const { image, target, filesystem, readOnly, flags = [], data } = request;
  const { device, descriptor } = await attachLoop(image, { readOnly });
  try {
    await mount({
      source: device,
      target,
      type: filesystem,
      flags: readOnly ? [...flags, 'readonly'] : flags,
      data,
    });
  } finally {
    closeSync(descriptor);
  }
}
