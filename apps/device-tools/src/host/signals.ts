/** The few signals that programs wait for, read from a descriptor (signalfd(2)). */
import { bufferOffset, type Kernel, type Loop, openFlags, ready } from '@pantavisor/small-host';

const numbers = { SIGHUP: 1, SIGTERM: 15, SIGWINCH: 28 } as const;
const block = 0;
/** struct signalfd_siginfo. */
const recordSize = 128;

export class Signals {
  readonly #kernel: Kernel;
  readonly #loop: Loop;

  constructor(kernel: Kernel, loop: Loop) {
    this.#kernel = kernel;
    this.#loop = loop;
  }

  /** Calls back for each delivery; a descriptor for each signal. */
  on(signal: keyof typeof numbers, callback: () => void): void {
    const kernel = this.#kernel;
    kernel.view.setUint32(bufferOffset, 2 ** (numbers[signal] - 1), true);
    kernel.view.setUint32(bufferOffset + 4, 0, true);
    kernel.call('rt_sigprocmask', 0b10, [block, bufferOffset, 0, 8]);
    const descriptor = kernel.call('signalfd4', 0b10, [
      -1,
      bufferOffset,
      8,
      openFlags.closeOnExec | openFlags.nonBlocking,
    ]);
    this.#loop.watch(descriptor, ready.read, () => {
      if (kernel.raw('read', 0b10, descriptor, bufferOffset, recordSize) > 0) callback();
    });
  }
}
