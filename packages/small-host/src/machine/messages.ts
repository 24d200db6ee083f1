/** sendmsg(2) and recvmsg(2): bytes of a unix socket with the descriptors that are passed along. */
import { bufferOffset, bufferSize, type Kernel } from './kernel.ts';

const interrupted = -4;
const flags = { dontWait: 0x40, noSignal: 0x4000, closeOnExec: 0x40000000, controlTruncated: 8 } as const;
/** Where the structures lie in the window. */
const at = { header: 0, part: 64, control: 128 } as const;
/** Room for as many descriptors as the kernel lets through at once (SCM_MAX_FD is 253). */
const controlSize = 1200;
const socketLevel = 1;
const rights = 1;

const wordOf = (kernel: Kernel) => (kernel.architecture === 'arm' ? 4 : 8);

/** struct msghdr and the one struct iovec: words, each as wide as a pointer. */
function describe(kernel: Kernel, length: number, control: number): void {
  const word = wordOf(kernel);
  const put = (offset: number, value: number) => {
    kernel.view.setUint32(offset, value % 2 ** 32, true);
    if (word === 8) kernel.view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
  };
  const base = kernel.machine.windowAddress;
  kernel.bytes.fill(0, at.header, at.control);
  put(at.part, base + bufferOffset);
  put(at.part + word, length);
  put(at.header + 2 * word, base + at.part);
  put(at.header + 3 * word, 1);
  put(at.header + 4 * word, control === 0 ? 0 : base + at.control);
  put(at.header + 5 * word, control);
}

export interface ReceivedMessage {
  /** Bytes that lie at `bufferOffset` now, or the negative errno. */
  count: number;
  /** Descriptors of this process, close-on-exec. */
  descriptors: number[];
  /** The kernel had to drop some. */
  truncated: boolean;
}

/** One message, or what there is of a stream; never waits. */
export function receiveMessage(kernel: Kernel, socket: number, limit = bufferSize): ReceivedMessage {
  for (;;) {
    describe(kernel, limit, controlSize);
    const count = kernel.raw('recvmsg', 0b10, socket, at.header, flags.dontWait | flags.closeOnExec);
    if (count === interrupted) continue;
    const descriptors = count < 0 ? [] : passed(kernel);
    const truncated = (kernel.view.getUint32(at.header + 6 * wordOf(kernel), true) & flags.controlTruncated) !== 0;
    return { count, descriptors, truncated: count >= 0 && truncated };
  }
}

function passed(kernel: Kernel): number[] {
  const { view } = kernel;
  const word = wordOf(kernel);
  const filled = view.getUint32(at.header + 5 * word, true);
  const found: number[] = [];
  for (let offset = 0; offset + word + 8 <= filled; ) {
    const start = at.control + offset;
    const length = view.getUint32(start, true);
    if (length < word + 8) break;
    if (view.getInt32(start + word, true) === socketLevel && view.getInt32(start + word + 4, true) === rights)
      for (let place = word + 8; place + 4 <= length; place += 4) found.push(view.getInt32(start + place, true));
    offset += Math.ceil(length / word) * word;
  }
  return found;
}

/**
 * Sends the first bytes, at most what fits the window, with copies of the descriptors; never waits.
 * @returns bytes that were sent, or the negative errno; the descriptors went if any byte did
 */
export function sendMessage(kernel: Kernel, socket: number, bytes: Uint8Array, descriptors: readonly number[]): number {
  const word = wordOf(kernel);
  const piece = bytes.subarray(0, bufferSize);
  const length = word + 8 + 4 * descriptors.length;
  for (;;) {
    kernel.bytes.set(piece, bufferOffset);
    describe(kernel, piece.length, descriptors.length === 0 ? 0 : length);
    kernel.view.setUint32(at.control + word - 4, 0, true);
    kernel.view.setUint32(at.control, length, true);
    kernel.view.setInt32(at.control + word, socketLevel, true);
    kernel.view.setInt32(at.control + word + 4, rights, true);
    for (const [index, descriptor] of descriptors.entries())
      kernel.view.setInt32(at.control + word + 8 + 4 * index, descriptor, true);
    const count = kernel.raw('sendmsg', 0b10, socket, at.header, flags.dontWait | flags.noSignal);
    if (count !== interrupted) return count;
  }
}
