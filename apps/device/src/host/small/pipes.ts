/** Pipes to and from programs, read and written when the event loop says they are ready. */
import { bufferOffset, bufferSize, type Kernel, type Loop, ready } from '@pantavisor/small-host';

const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;
const again = -11;
const getFlags = 3;
const setFlags = 4;

/** Both ends of a new pipe; neither is inherited. */
export function makePipe(kernel: Kernel): { reader: number; writer: number } {
  kernel.call('pipe2', 0b1, [bufferOffset, closeOnExec]);
  return { reader: kernel.view.getInt32(bufferOffset, true), writer: kernel.view.getInt32(bufferOffset + 4, true) };
}

/** Makes reads and writes of a descriptor return at once. */
export function makeNonBlocking(kernel: Kernel, descriptor: number): void {
  const flags = kernel.call('fcntl', 0, [descriptor, getFlags, 0]);
  kernel.call('fcntl', 0, [descriptor, setFlags, flags | nonBlocking]);
}

/** Hands every piece that arrives to `onBytes`; resolves at the end of the pipe, when it breaks, or when `stop` is called. The descriptor is closed then. */
export function drain(
  kernel: Kernel,
  loop: Loop,
  descriptor: number,
  onBytes: (bytes: Uint8Array) => void,
): { ended: Promise<void>; stop: () => void } {
  makeNonBlocking(kernel, descriptor);
  let stop = () => {};
  const ended = new Promise<void>((resolve) => {
    let open = true;
    stop = () => {
      if (!open) return;
      open = false;
      loop.unwatch(descriptor);
      kernel.close(descriptor);
      resolve();
    };
    loop.watch(descriptor, ready.read, () => {
      const count = kernel.raw('read', 0b10, descriptor, bufferOffset, bufferSize);
      if (count > 0) onBytes(kernel.bytes.slice(bufferOffset, bufferOffset + count));
      else if (count !== again) stop();
    });
  });
  return { ended, stop };
}

/** Writes everything and closes; a reader that has gone ends it early. */
export function feed(kernel: Kernel, loop: Loop, descriptor: number, bytes: Uint8Array): void {
  makeNonBlocking(kernel, descriptor);
  let done = 0;
  const close = () => {
    loop.unwatch(descriptor);
    kernel.close(descriptor);
  };
  loop.watch(descriptor, ready.write, () => {
    const piece = bytes.subarray(done, done + bufferSize);
    if (piece.length === 0) return close();
    kernel.bytes.set(piece, bufferOffset);
    const count = kernel.raw('write', 0b10, descriptor, bufferOffset, piece.length);
    if (count > 0) done += count;
    else if (count !== again) close();
  });
}
