/** Debian's kernel as material for images and tests: the compressed kernel and its modules, unpacked. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DebianArchitecture, type DebianCache, type DebianPackage, debianPackages } from './packages.ts';

export interface DebianKernel {
  /** The package with the files. */
  package: DebianPackage;
  /** As `uname -r` prints it. */
  release: string;
  /** The kernel, bzImage on amd64, Image on arm64, zImage on armhf. */
  image: string;
  /** Folder `lib/modules/<release>`. */
  modules: string;
}

/** Kernels that run in QEMU: those for virtual machines, which are small, where Debian has one. */
export const defaultKernels: Record<DebianArchitecture, string> = {
  amd64: 'linux-image-cloud-amd64',
  arm64: 'linux-image-cloud-arm64',
  armhf: 'linux-image-armmp',
};

/**
 * Gives a kernel of Debian, from the cache or with apt.
 * @param name a package with a kernel, or one that depends on it; default: the one for virtual machines
 * @throws Error when it cannot be fetched or holds no kernel
 */
export async function debianKernel(
  architecture: DebianArchitecture,
  cache: DebianCache,
  name: string = defaultKernels[architecture],
): Promise<DebianKernel> {
  let [found] = await debianPackages([name], architecture, cache);
  // The name without a version only depends on the newest kernel.
  const real = /\blinux-image-[0-9][^\s,]*/.exec(found?.depends ?? '')?.[0];
  if (real !== undefined) [found] = await debianPackages([real], architecture, cache);
  if (found === undefined) throw new Error(`cannot find the Debian package ${name}`);
  const boot = await readdir(join(found.root, 'boot')).catch(() => []);
  const image = boot.find((file) => file.startsWith('vmlinuz-'));
  if (image === undefined)
    throw new Error(`cannot find a kernel in the Debian package ${found.name}: it has no boot/vmlinuz-*`);
  const release = image.slice('vmlinuz-'.length);
  return {
    package: found,
    release,
    image: join(found.root, 'boot', image),
    modules: join(found.root, 'lib/modules', release),
  };
}
