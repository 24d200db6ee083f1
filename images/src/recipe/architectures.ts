/** What architectures of devices are called elsewhere, and what images for them are made of unless the recipe says otherwise: one table. */
import type { DebianArchitecture } from '../debian/packages.ts';
import type { ImageArchitecture, LoaderName } from './recipe.ts';

interface Architecture {
  debian: DebianArchitecture;
  /** Target of apps/device/build-small.ts. */
  executable: 'x64' | 'arm64' | 'arm';
  /** Kernel arguments: the serial console of QEMU's machine, on which the kernel drops no line of the runtime. */
  arguments: string;
  /** Boot loaders that there is a layout and a program for; the first is the usual one. */
  loaders: readonly [LoaderName, ...LoaderName[]];
}

export const architectures: Readonly<Record<ImageArchitecture, Architecture>> = {
  x86_64: {
    debian: 'amd64',
    executable: 'x64',
    arguments: 'console=ttyS0,115200 printk.devkmsg=on',
    loaders: ['grub', 'none'],
  },
  aarch64: {
    debian: 'arm64',
    executable: 'arm64',
    arguments: 'console=ttyAMA0 printk.devkmsg=on',
    loaders: ['u-boot', 'rpi', 'none'],
  },
  armv7: {
    debian: 'armhf',
    executable: 'arm',
    arguments: 'console=ttyAMA0 printk.devkmsg=on',
    loaders: ['u-boot', 'none'],
  },
};

export const architectureNames = Object.keys(architectures) as ImageArchitecture[];
