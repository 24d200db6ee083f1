/** Writing a file system to its place, without what it keeps in a journal. */
import { bufferOffset, type Kernel, SystemCallError } from '@pantavisor/small-host';
import { fileSystemSpace } from './space.ts';

/** Requests of ioctl(2), the same on all our architectures: EXT4_IOC_CHECKPOINT (Linux 5.14), FIFREEZE, FITHAW (linux/fs.h). */
const request = { checkpoint: 0x4004662b, freeze: 0xc0045877, thaw: 0xc0045878 } as const;

const refusedBy = (error: unknown, ...codes: string[]) =>
  error instanceof SystemCallError && codes.includes(error.code);

/** Syncs the file system of an open file, and empties the journal of ext4, also on kernels that can only freeze it. */
export function syncFileSystem(kernel: Kernel, descriptor: number, path: string): void {
  kernel.call('syncfs', 0, [descriptor], path);
  if (fileSystemSpace(kernel, path).type !== 'ext4') return;
  kernel.view.setUint32(bufferOffset, 0, true);
  try {
    kernel.call('ioctl', 0b100, [descriptor, request.checkpoint, bufferOffset], path);
  } catch (error) {
    // Without a journal there is nothing to empty.
    if (refusedBy(error, 'ENODEV')) return;
    if (!refusedBy(error, 'ENOTTY')) throw error;
    freezeForAMoment(kernel, descriptor, path);
  }
}

/** Freezing empties the journal. Somebody else has frozen it: it is empty. */
function freezeForAMoment(kernel: Kernel, descriptor: number, path: string): void {
  try {
    kernel.call('ioctl', 0, [descriptor, request.freeze, 0], path);
  } catch (error) {
    if (refusedBy(error, 'EBUSY', 'EOPNOTSUPP')) return;
    throw error;
  }
  kernel.call('ioctl', 0, [descriptor, request.thaw, 0], path);
}
