/** Watchdogs over system calls (linux/watchdog.h). */
import { bufferOffset, type Kernel, openFlags, SystemCallError } from '@pantavisor/small-host';
import type { Watchdogs } from '../watchdog.ts';
import { attempt } from './failure.ts';

/** _IOR('W', 5, int), _IOWR('W', 6, int) and _IOR('W', 7, int). */
const request = { keepAlive: 0x80045705, setTimeout: 0xc0045706, getTimeout: 0x80045707 } as const;

/** Creates the port. */
export function createWatchdogs(kernel: Kernel): Watchdogs {
  return {
    start: async (path, wanted) =>
      attempt('start the watchdog', path, () => {
        const descriptor = kernel.open(path, openFlags.writeOnly);
        let seconds: number;
        try {
          seconds = prepare(kernel, descriptor, wanted);
        } catch (error) {
          kernel.close(descriptor);
          throw error;
        }
        let open = true;
        return {
          seconds,
          feed() {
            if (open) kernel.raw('ioctl', 0, descriptor, request.keepAlive, 0);
          },
          close() {
            if (open) kernel.close(descriptor);
            open = false;
          },
        };
      }),
  };
}

/** Sets the time-out, asks for what the driver made of it, and feeds once; the seconds. */
function prepare(kernel: Kernel, descriptor: number, wanted: number): number {
  kernel.view.setInt32(bufferOffset, wanted, true);
  for (const number of [request.setTimeout, request.getTimeout]) {
    try {
      kernel.call('ioctl', 0b100, [descriptor, number, bufferOffset]);
    } catch (error) {
      // Some drivers count what they count.
      if (!(error instanceof SystemCallError && error.code === 'EOPNOTSUPP')) throw error;
    }
  }
  const seconds = kernel.view.getInt32(bufferOffset, true);
  kernel.call('ioctl', 0, [descriptor, request.keepAlive, 0]);
  return seconds;
}
