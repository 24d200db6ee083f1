/** Writing a small file that boot loaders read, so that every reader finds the old content or the new. */
import type { Files } from '../host/ports.ts';
import { isCode, makeTree, parentOf, writeDurable } from '../storage/durable.ts';

/** The unit that storage writes whole or not at all. */
const sectorSize = 512;

/** Bytes of a file, or undefined when it is not there. */
export async function readBlock(files: Files, path: string): Promise<Uint8Array | undefined> {
  try {
    return await files.read(path);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** First and last sector that differ, or undefined when the contents are equal. */
function changedSectors(old: Uint8Array, next: Uint8Array): { first: number; last: number } | undefined {
  let first: number | undefined;
  let last = 0;
  for (let at = 0; at < next.length; at += 1) {
    if (old[at] === next[at]) continue;
    last = Math.floor(at / sectorSize);
    first ??= last;
  }
  return first === undefined ? undefined : { first, last };
}

/**
 * Replaces the content of a boot environment file; a power cut leaves the old content or the new, whole.
 *
 * When only one sector changes, which is so in practice, that sector is written in place. Boot loaders read the file system without playing
 * back its journal, so after a power cut they would still see a file that was replaced by renaming, although the device sees the new one; a
 * sector written in place is the same for both. When several sectors change, or the size, the file is replaced by renaming, which at
 * worst lets the boot loader see the old content for one boot more.
 */
export async function writeBlock(files: Files, path: string, next: Uint8Array): Promise<void> {
  const old = await readBlock(files, path);
  if (old?.length !== next.length) {
    await makeTree(files, parentOf(path));
    return writeDurable(files, path, next);
  }
  const changed = changedSectors(old, next);
  if (changed === undefined) return;
  if (changed.first !== changed.last) return writeDurable(files, path, next);
  const offset = changed.first * sectorSize;
  await files.overwrite(path, next.slice(offset, offset + sectorSize), offset);
  await files.sync(path);
}
