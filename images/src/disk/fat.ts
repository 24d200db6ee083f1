/** FAT file systems with files in them, made without mounting (dosfstools, mtools). */
import { mkdtemp, open, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedTime, NoRoom, runTool } from './tool.ts';

export interface FatRequest {
  /** Image file to write. */
  file: string;
  /** In bytes. */
  size: number;
  /** Up to eleven capital letters. */
  label: string;
  serial: number;
  /** Contents by path, without a leading slash. */
  files: ReadonlyMap<string, Uint8Array>;
  /** A file system of that size to which the files are added, in place of an empty one. */
  base?: Uint8Array;
}

/** Below this a FAT32 has too few clusters to be one, and firmware that counts them is confused. */
const smallestFat32 = 64 * 1024 * 1024;

/**
 * Makes the file system; the same request gives the same bytes.
 * @throws Error when a tool is missing; NoRoom when the files do not fit
 */
export async function makeFat({ file, size, label, serial, files, base }: FatRequest): Promise<void> {
  const target = await open(file, 'w');
  if (base !== undefined) await target.writeFile(base);
  await target.truncate(size);
  await target.close();
  const width = size < smallestFat32 ? '16' : '32';
  const identity = ['-n', label, '-i', serial.toString(16).padStart(8, '0')];
  if (base === undefined) await runTool(['mkfs.vfat', '--invariant', '-F', width, ...identity, file], 'dosfstools');
  const work = await mkdtemp(join(tmpdir(), 'pv-fat-'));
  try {
    const made = new Set<string>();
    const source = join(work, 'file');
    for (const path of [...files.keys()].sort()) {
      for (let cut = path.indexOf('/'); cut > 0; cut = path.indexOf('/', cut + 1)) {
        const folder = path.slice(0, cut);
        if (!made.has(folder)) await runTool(['mmd', '-i', file, `::/${folder}`], 'mtools');
        made.add(folder);
      }
      await writeFile(source, files.get(path) ?? '');
      await utimes(source, fixedTime, fixedTime);
      await runTool(['mcopy', '-m', '-i', file, source, `::/${path}`], 'mtools').catch((cause: Error) => {
        if (!/Disk full/i.test(cause.message)) throw cause;
        const needed = [...files.values()].reduce((sum, { length }) => sum + length, 0);
        throw new NoRoom(`the partition ${label.toLowerCase()}`, size, needed, cause);
      });
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
