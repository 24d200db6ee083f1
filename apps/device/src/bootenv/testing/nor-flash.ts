/** Flash that behaves like NOR: writing only clears bits, and erasing is in whole blocks. */
import assert from 'node:assert/strict';
import type { Flash } from '../flash.ts';

export interface NorFlash extends Flash {
  /** Number of writes so far. */
  writes(): number;
}

/** New flash, erased. What is forbidden fails the test. */
export function norFlash(size: number, eraseSize: number): NorFlash {
  const bytes = new Uint8Array(size).fill(0xff);
  let writes = 0;
  return {
    size,
    eraseSize,
    writes: () => writes,
    read: async (offset, length) => bytes.slice(offset, offset + length),
    erase: async (offset, length) => {
      assert.equal(offset % eraseSize, 0, 'erased from the start of a block');
      assert.equal(length % eraseSize, 0, 'erased in whole blocks');
      assert.ok(offset + length <= size, 'erased inside the partition');
      bytes.fill(0xff, offset, offset + length);
    },
    write: async (offset, data) => {
      assert.ok(offset + data.length <= size, 'written inside the partition');
      writes += 1;
      for (const [index, byte] of data.entries()) bytes[offset + index] = (bytes[offset + index] ?? 0) & byte;
    },
  };
}
