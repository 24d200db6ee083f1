/** One runtime per storage: flock(2) on a file that names the holder. */
import { bufferOffset, type Kernel, openFlags, SystemCallError } from '@pantavisor/small-host';
import { HostError } from '../ports.ts';

const exclusive = 2;
const nonBlocking = 4;

/** Takes the lock or fails with EWOULDBLOCK and the pid of the holder. The kernel frees it with the process. */
export function lockFile(kernel: Kernel, path: string): { release(): Promise<void> } {
  const descriptor = kernel.open(path, openFlags.readWrite | openFlags.create, 0o644);
  try {
    kernel.call('flock', 0, [descriptor, exclusive | nonBlocking], path);
  } catch (error) {
    const holder = kernel.takeText(bufferOffset, kernel.read(descriptor, 32)).trim();
    kernel.close(descriptor);
    if (error instanceof SystemCallError && error.code === 'EAGAIN')
      throw new HostError('EWOULDBLOCK', 'lock', path, `process ${holder || 'unknown'} holds it`);
    throw error;
  }
  kernel.call('ftruncate', 0, [descriptor, 0], path);
  kernel.write(descriptor, kernel.encode(`${kernel.raw('getpid', 0)}\n`));
  let held = true;
  return {
    release: async () => {
      if (!held) return;
      held = false;
      kernel.close(descriptor);
    },
  };
}
