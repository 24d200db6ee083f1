/** Standard output and error over system calls. */
import type { Output } from '@pantavisor/cli/output';
import { bufferOffset, bufferSize, errnoName, type Kernel, ready } from '@pantavisor/small-host';

/** ioctl_tty(2). */
const getWindowSize = 0x5413;
const addToEpoll = 1;

/** An output that writes at once. A reader that goes away ends the process by SIGPIPE, as it does with other programs. */
export function standardOutput(kernel: Kernel, descriptor: number): Output {
  const isTTY = kernel.raw('ioctl', 0b100, descriptor, getWindowSize, bufferOffset) === 0;
  const columns = isTTY ? kernel.view.getUint16(bufferOffset + 2, true) || 80 : 80;
  return {
    isTTY,
    columns,
    write(text) {
      const bytes = typeof text === 'string' ? kernel.encode(text) : text;
      for (let done = 0; done < bytes.length; ) {
        const piece = bytes.subarray(done, done + bufferSize);
        kernel.bytes.set(piece, bufferOffset);
        const count = kernel.raw('write', 0b10, descriptor, bufferOffset, piece.length);
        if (count > 0) done += count;
        else if (errnoName(count) === 'EAGAIN') waitUntilWritable(kernel, descriptor);
        else if (errnoName(count) !== 'EINTR') return;
      }
    },
  };
}

/** Somebody else may have made the descriptor non-blocking; both ends of a terminal are one. */
function waitUntilWritable(kernel: Kernel, descriptor: number): void {
  const epoll = kernel.call('epoll_create1', 0, [0]);
  kernel.view.setUint32(0, ready.write, true);
  kernel.raw('epoll_ctl', 0b1000, epoll, addToEpoll, descriptor, 0);
  kernel.raw('epoll_pwait', 0b10, epoll, 0, 1, -1, 0, 8);
  kernel.close(epoll);
}
