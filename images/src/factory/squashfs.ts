/** Folders as squashfs images whose bytes depend on the files alone. */
import { rm } from 'node:fs/promises';
import { runTool } from '../disk/tool.ts';

const plain = ['-noappend', '-no-progress', '-quiet', '-all-root', '-no-xattrs', '-no-exports'];

/**
 * Makes an image. `best` is xz, which every kernel of the original's boards can read (build.md §3.2).
 * @throws Error when mksquashfs is missing or fails
 */
export async function makeSquashfs(folder: string, file: string, compression: 'best' | 'fast'): Promise<void> {
  await rm(file, { force: true });
  const kind = compression === 'best' ? ['-comp', 'xz'] : ['-comp', 'zstd', '-Xcompression-level', '3'];
  // A time from outside would contradict the ones that are given.
  const argv: [string, ...string[]] = ['env', '-u', 'SOURCE_DATE_EPOCH', 'mksquashfs', folder, file, ...plain];
  await runTool([...argv, '-all-time', '0', '-mkfs-time', '0', ...kind], 'squashfs-tools');
}
