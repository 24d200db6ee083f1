/** Looking into the storage of a disk image that no machine uses, without mounting it (debugfs). */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '../disk/tool.ts';

/** A storage: the disk image and where in it the file system begins. */
export interface StoragePlace {
  image: string;
  /** In bytes. */
  offset: number;
}

/** debugfs has a language of its own, in which quotes are doubled. */
const quoted = (path: string) => `"${path.replaceAll('"', '""')}"`;

/**
 * Copies a file out of the storage. Its journal is not played back and its bitmaps are not looked at, as with a boot loader: after a power cut, or while
 * a machine runs, they are not what their checksums say.
 * @returns false when it is not there
 * @throws Error when there is no file system
 */
export async function extractFile({ image, offset }: StoragePlace, path: string, target: string): Promise<boolean> {
  await rm(target, { force: true });
  const command = ['-c', '-n', '-R', `dump ${quoted(path)} ${quoted(target)}`];
  await runTool(['debugfs', ...command, `${image}?offset=${offset}`], 'e2fsprogs');
  return existsSync(target);
}

/** Content of a file in the storage, or undefined when it is not there. See `extractFile`. */
export async function readStorageFile(place: StoragePlace, path: string): Promise<Buffer | undefined> {
  const work = await mkdtemp(join(tmpdir(), 'pv-storage-'));
  try {
    const target = join(work, 'file');
    return (await extractFile(place, path, target)) ? await readFile(target) : undefined;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
