/** A disk image put together from partition table, boot sectors and file systems; holes stay holes. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { Piece } from './table.ts';

/** The content of a partition. */
export interface Content {
  offset: number;
  file: string;
}

const chunkSize = 1024 * 1024;
const zeros = Buffer.alloc(chunkSize);

async function copyInto(target: FileHandle, { offset, file }: Content): Promise<void> {
  const source = await open(file, 'r');
  try {
    const buffer = Buffer.alloc(chunkSize);
    for (let at = 0; ; ) {
      const { bytesRead } = await source.read(buffer, 0, chunkSize, at);
      if (bytesRead === 0) return;
      const chunk = buffer.subarray(0, bytesRead);
      if (!chunk.equals(zeros.subarray(0, bytesRead))) await target.write(chunk, 0, bytesRead, offset + at);
      at += bytesRead;
    }
  } finally {
    await source.close();
  }
}

/**
 * Writes an image: it appears whole under its name, or not at all.
 * @param pieces are written in order, over the contents
 * @throws the error of the file system, e.g. ENOSPC
 */
export async function assembleDisk(
  path: string,
  size: number,
  contents: readonly Content[],
  pieces: readonly Piece[],
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const target = await open(temporary, 'wx');
    try {
      await target.truncate(size);
      for (const content of contents) await copyInto(target, content);
      for (const { offset, bytes } of pieces) await target.write(bytes, 0, bytes.length, offset);
      await target.sync();
    } finally {
      await target.close();
    }
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
