/** What architectures of devices are called elsewhere, and what images for them are made of unless the recipe says otherwise: one table. */
import type { DebianArchitecture } from '../debian/packages.ts';
import type { ImageArchitecture, LoaderName } from './recipe.ts';

interface Architecture {
  debian: DebianArchitecture;
  /** Target of apps/device/build-small.ts. */
  executable: 'x64' | 'arm64' | 'arm';
  /** Kernel arguments: the serial console of QEMU's machine, on which the kernel drops no line of the runtime, and what saves memory. */
  arguments: string;
  /** Boot loaders that there is a layout and a program for; the first is the usual one. */
  loaders: readonly [LoaderName, ...LoaderName[]];
}

/**
 * What leaves memory to containers in any machine. Kernels before 6.6 keep a file in memory for each of their thousands of trace events from their
 * start on, which takes six to ten MiB, for whoever may look; and a loop device, of which each image has one, has room for more requests
 * than small machines ever have under way. Kernels that know neither ignore them.
 */
const sparing = 'initcall_blacklist=tracer_init_tracefs loop.hw_queue_depth=16';

export const architectures: Readonly<Record<ImageArchitecture, Architecture>> = {
  x86_64: {
    debian: 'amd64',
    executable: 'x64',
    arguments: `console=ttyS0,115200 printk.devkmsg=on ${sparing}`,
    loaders: ['grub', 'none'],
  },
  aarch64: {
    debian: 'arm64',
    executable: 'arm64',
    arguments: `console=ttyAMA0 printk.devkmsg=on ${sparing}`,
    loaders: ['u-boot', 'rpi', 'none'],
  },
  armv7: {
    debian: 'armhf',
    executable: 'arm',
    // Debian's kernel for boards sets 16 MiB aside for cameras and displays, which QEMU's machine has none of.
    arguments: `console=ttyAMA0 printk.devkmsg=on cma=0 ${sparing}`,
    loaders: ['u-boot', 'none'],
  },
};

export const architectureNames = Object.keys(architectures) as ImageArchitecture[];
