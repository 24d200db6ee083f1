/** recvmsg(2): bytes of a unix socket with the descriptors that were passed along. */
import { bufferOffset, bufferSize, type Kernel } from '@pantavisor/small-host';
import type { Piece } from './reader.ts';

const again = -11;
const interrupted = -4;
const message = { dontWait: 0x40, closeOnExec: 0x40000000 } as const;
/** Where the structures lie in the window. */
const at = { header: 0, part: 64, control: 128 } as const;
/** Room for as many descriptors as the kernel lets through at once (SCM_MAX_FD is 253). */
const controlSize = 1200;
const socketLevel = 1;
const rights = 1;

export interface Received {
  bytes: Uint8Array;
  /** Descriptors of this process, close-on-exec. */
  descriptors: number[];
}

/** One message, or what there is of a stream. A stream ends with an empty one. */
export function receive(kernel: Kernel, socket: number, stream: boolean): Piece<Received> {
  for (;;) {
    const word = kernel.architecture === 'arm' ? 4 : 8;
    describe(kernel, word);
    const count = kernel.raw('recvmsg', 0b10, socket, at.header, message.dontWait | message.closeOnExec);
    if (count === again) return { kind: 'nothing' };
    if (count === interrupted) continue;
    if (count < 0) return { kind: 'end' };
    const descriptors = passed(kernel, word);
    if (count === 0 && stream && descriptors.length === 0) return { kind: 'end' };
    return { kind: 'bytes', value: { bytes: kernel.bytes.slice(bufferOffset, bufferOffset + count), descriptors } };
  }
}

/** struct msghdr and the one struct iovec: words, each as wide as a pointer. */
function describe(kernel: Kernel, word: number): void {
  const put = (offset: number, value: number) => {
    kernel.view.setUint32(offset, value % 2 ** 32, true);
    if (word === 8) kernel.view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
  };
  const base = kernel.machine.windowAddress;
  kernel.bytes.fill(0, at.header, at.control);
  put(at.part, base + bufferOffset);
  put(at.part + word, bufferSize);
  put(at.header + 2 * word, base + at.part);
  put(at.header + 3 * word, 1);
  put(at.header + 4 * word, base + at.control);
  put(at.header + 5 * word, controlSize);
}

function passed(kernel: Kernel, word: number): number[] {
  const { view } = kernel;
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
