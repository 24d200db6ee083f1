/** Looking into the storage of a disk image that no machine uses, without mounting it (debugfs). */
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
 * Copies a file out of the storage.
 * @returns false when it is not there
 */
export async function extractFile({ image, offset }: StoragePlace, path: string, target: string): Promise<boolean> {
  await rm(target, { force: true });
  await runTool(['debugfs', '-R', `dump ${quoted(path)} ${quoted(target)}`, `${image}?offset=${offset}`], 'e2fsprogs');
  return readFile(target).then(
    () => true,
    () => false,
  );
}

/** Content of a file in the storage, or undefined when it is not there. The journal is not played back, as with a boot loader. */
export async function readStorageFile(place: StoragePlace, path: string): Promise<Buffer | undefined> {
  const work = await mkdtemp(join(tmpdir(), 'pv-storage-'));
  try {
    const target = join(work, 'file');
    return (await extractFile(place, path, target)) ? await readFile(target) : undefined;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
