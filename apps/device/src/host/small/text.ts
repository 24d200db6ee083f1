/** UTF-8 and SHA-256 of small data. */
import { bufferOffset, bufferSize, type Kernel } from '@pantavisor/small-host';
import type { Hashing, TextCoding } from '../ports.ts';

/** Creates the text port. */
export function createText(kernel: Kernel): TextCoding {
  return { encode: (text) => kernel.encode(text), decode: (bytes) => kernel.decode(bytes) };
}

/** Creates the hashing port: the C host hashes what is put into the window. */
export function createHashing(kernel: Kernel): Hashing {
  return {
    sha256(data) {
      const bytes = typeof data === 'string' ? kernel.encode(data) : data;
      const context = kernel.door(kernel.machine.hashNew(), 'hash');
      for (let offset = 0; offset < bytes.length; offset += bufferSize) {
        const piece = bytes.subarray(offset, offset + bufferSize);
        kernel.bytes.set(piece, bufferOffset);
        kernel.door(kernel.machine.hashUpdate(context, bufferOffset, piece.length), 'hash');
      }
      return kernel.finishHash(context);
    },
  };
}
