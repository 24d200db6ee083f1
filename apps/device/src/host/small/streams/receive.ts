/** Bytes of a unix socket with the descriptors that were passed along. */
import { bufferOffset, type Kernel, receiveMessage } from '@pantavisor/small-host';
import type { Piece } from './reader.ts';

const again = -11;

export interface Received {
  bytes: Uint8Array;
  /** Descriptors of this process, close-on-exec. */
  descriptors: number[];
}

/** One message, or what there is of a stream. A stream ends with an empty one. */
export function receive(kernel: Kernel, socket: number, stream: boolean): Piece<Received> {
  const { count, descriptors } = receiveMessage(kernel, socket);
  if (count === again) return { kind: 'nothing' };
  if (count < 0 || (count === 0 && stream && descriptors.length === 0)) return { kind: 'end' };
  return { kind: 'bytes', value: { bytes: kernel.bytes.slice(bufferOffset, bufferOffset + count), descriptors } };
}
