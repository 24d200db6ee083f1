/** mount(2), umount2(2) and loop devices (loop(4)) over system calls. */
import { bufferOffset, type Kernel, openFlags } from '@pantavisor/small-host';
import { parseMountInfo } from '../mount-info.ts';
import { HostError, type MountEntry, type MountFlag, type Mounts } from '../ports.ts';
import { attempt, granted } from './failure.ts';

const mountBits: Record<MountFlag, number> = {
  readonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  remount: 0x20,
  synchronous: 0x10,
  mandlock: 0x40,
  dirsync: 0x80,
  noatime: 0x400,
  nodiratime: 0x800,
  bind: 0x1000,
  recursive: 0x4000,
  private: 0x40000,
  slave: 0x80000,
  shared: 0x100000,
  relatime: 0x200000,
  strictatime: 0x1000000,
  lazytime: 0x2000000,
  silent: 0x8000,
};

const loopControl = { getFree: 0x4c82, configure: 0x4c0a } as const;
/** struct loop_config (linux/loop.h): descriptor, block size, loop_info64 with its flags at 8 + 52, reserved. */
const loopConfig = { size: 304, flags: 60 } as const;
const loopFlags = { readOnly: 1, autoclear: 4 } as const;
const attempts = 64;
const mountNamespace = 0x20000;
const treeFlags = { clone: 1, recursive: 0x8000 } as const;
const fromEmptyPath = 4;
const detachFlag = 2;
const noFollowFlag = 8;
/** Offsets of the five texts of mount(2) in the window: each may be a page. */
const textOffsets = { source: 0, target: 8192, type: 16384, data: 24576 } as const;

/** Creates the port. */
export function createMounts(kernel: Kernel, readText: (path: string) => Promise<string>): Mounts {
  const mount = (
    source: string,
    target: string,
    type: string | undefined,
    flags: readonly MountFlag[],
    data: string | undefined,
  ) => {
    kernel.putPath(source, textOffsets.source);
    kernel.putPath(target, textOffsets.target);
    let pointers = 0b00011;
    if (type !== undefined) {
      kernel.putPath(type, textOffsets.type);
      pointers |= 0b00100;
    }
    if (data !== undefined) {
      kernel.putPath(data, textOffsets.data);
      pointers |= 0b10000;
    }
    const bits = flags.reduce((sum, flag) => sum | mountBits[flag], 0);
    kernel.call('mount', pointers, [
      textOffsets.source,
      textOffsets.target,
      type === undefined ? 0 : textOffsets.type,
      bits,
      data === undefined ? 0 : textOffsets.data,
    ]);
  };

  return {
    async mount(request) {
      attempt(`mount ${request.source} on`, request.target, () =>
        mount(request.source, request.target, request.type, request.flags ?? [], request.data),
      );
    },
    async mountImage({ image, target, filesystem, readOnly }) {
      attempt(`mount image ${image} on`, target, () => {
        const loop = attachLoop(kernel, image, readOnly);
        try {
          mount(loop.device, target, filesystem, readOnly ? ['readonly'] : [], undefined);
        } finally {
          kernel.close(loop.descriptor);
        }
      });
    },
    async mountFrom({ pid, source, target }) {
      attempt(`mount ${source} of process ${pid} on`, target, () => mountFrom(kernel, pid, source, target));
    },
    async unmount(target, options = {}) {
      attempt('unmount', target, () => {
        kernel.putPath(target);
        kernel.call('umount2', 0b1, [0, noFollowFlag | (options.detach ? detachFlag : 0)], target);
      });
    },
    async list(): Promise<MountEntry[]> {
      const entries = parseMountInfo(await readText('/proc/self/mountinfo'));
      return entries.map(({ source, target, type, device }) => ({ source, target, type, device }));
    },
  };
}

/**
 * Takes a tree of mounts out of another namespace and attaches it here. Changing the namespace of the whole process for the length of one
 * call is safe, since the small host has one thread and nothing else runs meanwhile.
 */
function mountFrom(kernel: Kernel, pid: number, source: string, target: string): void {
  const home = kernel.open('/proc/self/ns/mnt', openFlags.readOnly);
  try {
    const other = kernel.open(`/proc/${pid}/ns/mnt`, openFlags.readOnly);
    let tree: number;
    try {
      kernel.call('setns', 0, [other, mountNamespace], `/proc/${pid}/ns/mnt`);
      try {
        kernel.putPath(source);
        tree = kernel.call(
          'open_tree',
          0b010,
          [-100, 0, treeFlags.clone | treeFlags.recursive | openFlags.closeOnExec],
          source,
        );
      } finally {
        kernel.call('setns', 0, [home, mountNamespace], '/proc/self/ns/mnt');
      }
    } finally {
      kernel.close(other);
    }
    try {
      kernel.putPath('');
      kernel.putPath(target, textOffsets.target);
      kernel.call('move_mount', 0b01010, [tree, 0, -100, textOffsets.target, fromEmptyPath], target);
    } finally {
      kernel.close(tree);
    }
  } finally {
    kernel.close(home);
  }
}

/** Binds an image to a free loop device that the kernel frees after its last use; another process may take the free one first. */
function attachLoop(kernel: Kernel, image: string, readOnly: boolean): { device: string; descriptor: number } {
  const backing = kernel.open(image, readOnly ? openFlags.readOnly : openFlags.readWrite);
  try {
    const control = kernel.open('/dev/loop-control', openFlags.readWrite);
    try {
      for (let round = 0; round < attempts; round += 1) {
        const number = kernel.call('ioctl', 0, [control, loopControl.getFree, 0], '/dev/loop-control');
        const device = `/dev/loop${number}`;
        const descriptor = openLoop(kernel, device, number, readOnly);
        kernel.bytes.fill(0, bufferOffset, bufferOffset + loopConfig.size);
        kernel.view.setUint32(bufferOffset, backing, true);
        kernel.view.setUint32(
          bufferOffset + loopConfig.flags,
          loopFlags.autoclear | (readOnly ? loopFlags.readOnly : 0),
          true,
        );
        const result = kernel.raw('ioctl', 0b100, descriptor, loopControl.configure, bufferOffset);
        if (result >= 0) return { device, descriptor };
        kernel.close(descriptor);
        const busy = -16;
        if (result !== busy) granted(result, 'set up', device);
      }
      throw new HostError('EBUSY', 'find a free loop device for', image);
    } finally {
      kernel.close(control);
    }
  } finally {
    kernel.close(backing);
  }
}

/** Without devtmpfs nobody makes the node of a device that LOOP_CTL_GET_FREE has just added: block device 7,n. */
function openLoop(kernel: Kernel, device: string, number: number, readOnly: boolean): number {
  kernel.putPath(device);
  const blockDevice = 0o060600;
  const exists = -17;
  const made = kernel.raw('mknodat', 0b10, -100, 0, blockDevice, (7 << 8) | (number & 0xff) | ((number & ~0xff) << 12));
  if (made < 0 && made !== exists) granted(made, 'create', device);
  return kernel.open(device, readOnly ? openFlags.readOnly : openFlags.readWrite);
}
