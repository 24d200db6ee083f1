/** The ext4 file system of the storage, made from a folder without mounting (e2fsprogs). */
import { lstat, lutimes, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedTime, NoRoom, runTool } from './tool.ts';

export interface Ext4Request {
  /** Image file to write. */
  file: string;
  /** In bytes. */
  size: number;
  /** Up to 16 bytes. */
  label: string;
  uuid: string;
  /** What is to be in it; hard links stay hard links. Times of the files are changed. */
  folder: string;
}

/** What GRUB 2.06 and U-Boot of today cannot read. */
const features = '^metadata_csum_seed,^orphan_file,^casefold,^verity,^inline_data,^encrypt';

/** Inodes below the first free one belong to the file system; the root directory is one of them. */
const rootInode = 2;
const firstInode = 11;

/**
 * Makes the file system; the same files give the same bytes. All belong to root.
 * @throws Error when a tool is missing; NoRoom when the files do not fit
 */
export async function makeExt4({ file, size, label, uuid, folder }: Ext4Request): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    await lutimes(join(entry.parentPath, entry.name), fixedTime, fixedTime);
  const empty = await open(file, 'w');
  await empty.truncate(size);
  await empty.close();
  const extended = `hash_seed=${uuid},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0`;
  const identity = ['-L', label, '-U', uuid, '-O', features, '-E', extended, '-m', '0'];
  const argv = ['mke2fs', '-q', '-F', '-t', 'ext4', ...identity, '-d', folder, file] as const;
  await runTool(argv, 'e2fsprogs').catch(async (cause: Error) => {
    if (!/Could not allocate|No space left|too small/i.test(cause.message)) throw cause;
    throw new NoRoom('the storage', size, await sizeOf(folder), cause);
  });
  await settleInodes(file);
}

/** Bytes of all files of a folder, each counted once, whatever links it has. */
async function sizeOf(folder: string): Promise<number> {
  const sizes = new Map<number, number>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const { ino, size } = await lstat(join(entry.parentPath, entry.name));
    sizes.set(ino, size);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/**
 * mke2fs takes owner and times from the files of this machine. Nobody can set the change time on them, and following a
 * symbolic link while the tree is read is an access that the image would tell.
 */
async function settleInodes(file: string): Promise<void> {
  const about = await runTool(['dumpe2fs', '-h', file], 'e2fsprogs');
  const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(about)?.[1]);
  const used = number('Inode count') - number('Free inodes');
  const inodes = [rootInode];
  for (let inode = firstInode; inode <= used; inode += 1) inodes.push(inode);
  const work = await mkdtemp(join(tmpdir(), 'pv-ext4-'));
  try {
    const script = join(work, 'script');
    const times = ['ctime', 'atime'].flatMap((time) => [`${time} @${fixedTime}`, `${time}_extra 0`]);
    const fields = [...times, 'uid 0', 'gid 0'];
    await writeFile(script, inodes.flatMap((inode) => fields.map((field) => `sif <${inode}> ${field}\n`)).join(''));
    await runTool(['debugfs', '-w', '-f', script, file], 'e2fsprogs');
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
