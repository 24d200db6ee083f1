/** FIT images: kernel, initramfs and device trees in one file that U-Boot proves by its hashes (doc/usage/fit of U-Boot; build.md §3.2, §5.1). */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { flatTree, type TreeNode } from './flat-tree.ts';

export interface FitRequest {
  architecture: 'aarch64' | 'armv7';
  kernel: Uint8Array;
  initramfs: Uint8Array;
  /** Device trees by name, e.g. `maker/board.dtb`; the first is the usual one. At least one: U-Boot hands over no tree of its own beside a FIT. */
  trees: ReadonlyMap<string, Uint8Array>;
  /** Where U-Boot copies the kernel; on aarch64 a multiple of 2 MiB. */
  address: number;
  /** In seconds since 1970. */
  time: number;
}

const architectureNames = { aarch64: 'arm64', armv7: 'arm' } as const;
const description = 'Pantavisor';

/** Name of the configuration for a device tree, as boot scripts make it. */
export function configurationName(tree: string): string {
  return `conf-${tree.replaceAll('/', '_')}`;
}

function image(type: string, data: Uint8Array, more: Record<string, string | number>): TreeNode {
  const value = createHash('sha256').update(data).digest();
  return {
    properties: { description: type, data, type, compression: 'none', ...more },
    nodes: { 'hash-1': { properties: { value, algo: 'sha256' } } },
  };
}

/** Kernels come plain or as `Image.gz`. */
function plainKernel(kernel: Uint8Array): Uint8Array {
  return kernel[0] === 0x1f && kernel[1] === 0x8b ? gunzipSync(kernel) : kernel;
}

/** @throws Error when there is no device tree */
export function fitImage({ architecture, kernel, initramfs, trees, address, time }: FitRequest): Uint8Array {
  const names = [...trees.keys()];
  const [usual] = names;
  if (usual === undefined) throw new Error('cannot make a FIT without a device tree');
  const machine = { arch: architectureNames[architecture], os: 'linux' };
  const images: Record<string, TreeNode> = {};
  const configurations: Record<string, TreeNode> = {};
  for (const [index, name] of names.entries()) {
    const key = `fdt-${index + 1}`;
    images[key] = image('flat_dt', trees.get(name) ?? new Uint8Array(), { arch: machine.arch });
    const properties = { description: name, kernel: 'kernel-1', ramdisk: 'ramdisk-1', fdt: key };
    configurations[configurationName(name)] = { properties };
  }
  images['ramdisk-1'] = image('ramdisk', initramfs, machine);
  images['kernel-1'] = image('kernel', plainKernel(kernel), { ...machine, load: address, entry: address });
  return flatTree({
    properties: { description, timestamp: time, '#address-cells': 1 },
    nodes: {
      images: { nodes: images },
      configurations: { properties: { default: configurationName(usual) }, nodes: configurations },
    },
  });
}
