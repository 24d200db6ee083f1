/** statfs(2): how much room a file system has. */
import { bufferOffset, type Kernel } from '@pantavisor/small-host';

/** File system types by magic number (linux/magic.h), as far as the device tells them apart. */
const types: Record<number, string> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  2035054128: 'overlay',
  1936814952: 'squashfs',
  2435016766: 'btrfs',
  1481003842: 'xfs',
  604313861: 'ubifs',
  29366: 'jffs2',
  19780: 'vfat',
  4067430450: 'f2fs',
};

/** Sizes in bytes: `free` is what root may use, `available` what others may. */
export function fileSystemSpace(
  kernel: Kernel,
  path: string,
): { total: number; free: number; available: number; type: string } {
  kernel.putPath(path);
  const { view } = kernel;
  if (kernel.architecture === 'arm') {
    // struct statfs64: 32-bit type and block size, then 64-bit counts, packed to 4 bytes; 84 bytes in all.
    kernel.call('statfs', 0b101, [0, 84, bufferOffset], path);
    const size = view.getUint32(bufferOffset + 4, true);
    const count = (offset: number) => Number(view.getBigUint64(bufferOffset + offset, true)) * size;
    return {
      total: count(8),
      free: count(16),
      available: count(24),
      type: typeName(view.getUint32(bufferOffset, true)),
    };
  }
  kernel.call('statfs', 0b11, [0, bufferOffset], path);
  const field = (index: number) => Number(view.getBigUint64(bufferOffset + 8 * index, true));
  const size = field(1);
  return {
    total: field(2) * size,
    free: field(3) * size,
    available: field(4) * size,
    type: typeName(view.getUint32(bufferOffset, true)),
  };
}

function typeName(magic: number): string {
  return types[magic] ?? `0x${magic.toString(16)}`;
}
