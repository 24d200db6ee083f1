/** Headers of POSIX tar (ustar, IEEE Std 1003.1-2017 §4, pax) for members whose names are short. */
import { closeSync, openSync, readSync } from 'node:fs';

const block = 512;

/** The header of a regular file, owned by root, of the time zero. */
export function tarHeader(name: string, size: number, mode: number): Buffer {
  const header = Buffer.alloc(block);
  fillHeader(header, name, size, mode);
  return header;
}

/** @param header zeros, as long as a block */
function fillHeader(header: Buffer, name: string, size: number, mode: number): void {
  const octal = (value: number, at: number, length: number): void => {
    header.write(value.toString(8).padStart(length - 1, '0'), at, 'ascii');
  };
  header.write(name, 0, 100, 'utf8');
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  if (size < 8 ** 11) octal(size, 124, 12);
  else {
    // GNU's base-256 form for sizes of eight gibibytes and more.
    header.writeUInt8(0x80, 124);
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  octal(0, 136, 12);
  header.write('        ', 148, 'ascii');
  header.write('0', 156, 'ascii');
  header.write('ustar\u000000', 257, 'latin1');
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'latin1');
}

/** Many small members in one piece of memory. */
export class TarPiece {
  readonly #bytes = Buffer.alloc(1024 * 1024);
  #end = 0;

  /** What was added so far. */
  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  /** @param size bytes of a file */
  hasRoomFor(size: number): boolean {
    // One byte more than the file should have is read, to see that it ends there.
    return this.#end + block + Math.max(paddedSize(size), size + 1) <= this.#bytes.length;
  }

  /** Adds a file as it is on the disk; false when it has another size. */
  addFile(name: string, path: string, size: number): boolean {
    const start = this.#end + block;
    fillHeader(this.#bytes.subarray(this.#end, start), name, size, 0o644);
    const file = openSync(path, 'r');
    try {
      if (readSync(file, this.#bytes, start, size + 1, 0) !== size) return false;
    } finally {
      closeSync(file);
    }
    this.#end = start + paddedSize(size);
    return true;
  }
}

const paddedSize = (size: number): number => Math.ceil(size / block) * block;

/** Zeros that fill the last block of a member. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc(paddedSize(size) - size);
}

/** Two empty blocks end an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * block);
}
