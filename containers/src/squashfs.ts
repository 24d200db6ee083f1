/** Root file system entries into a squashfs image whose bytes depend on the entries alone, kept by content. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { digestRootfs, type Rootfs } from './rootfs.ts';

const run = promisify(execFile);

/**
 * No times, owners or attributes of this machine may reach the image. For each mounted image the kernel keeps room for three fragments, one block and
 * a decompressor, whatever is read of it: more than a MiB with zstd and the usual blocks of 128 KiB, a seventh of that with these, for images that are no
 * larger. Level 4 is as quick as zstd at its quickest.
 */
const options = [
  ...['-noappend', '-no-progress', '-quiet', '-all-root', '-no-xattrs', '-no-exports'],
  ...['-all-time', '0', '-mkfs-time', '0', '-comp', 'gzip', '-Xcompression-level', '4', '-b', '32K', '-no-fragments'],
];

async function stage(entries: Rootfs, directory: string): Promise<void> {
  for (const [path, entry] of entries) {
    const target = join(directory, path);
    if (entry.kind === 'directory') await mkdir(target);
    else if (entry.kind === 'link') await symlink(entry.target, target);
    else await writeFile(target, entry.content);
  }
  // After all is in place, since neither creation mode nor umask may decide.
  for (const [path, entry] of entries) if (entry.kind !== 'link') await chmod(join(directory, path), entry.mode);
  await chmod(directory, 0o755);
}

/**
 * Makes the image, or finds it when the same entries were made before.
 * @param entries sorted by path, so that a directory comes before what is in it
 * @param cache directory for images; created when missing. Safe for several processes at once.
 * @returns absolute path of the image inside `cache`; not to be changed
 * @throws when mksquashfs is missing or fails
 */
export async function makeSquashfs(entries: Rootfs, cache: string): Promise<string> {
  // The options are part of the name: an image that was made with others is another one.
  const name = createHash('sha256').update(digestRootfs(entries)).update(options.join(' ')).digest('hex');
  const image = join(cache, `${name}.squashfs`);
  if (existsSync(image)) return image;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'making-'));
  try {
    const root = join(work, 'root');
    await mkdir(root);
    await stage(entries, root);
    const { SOURCE_DATE_EPOCH: _, ...environment } = process.env;
    await run('mksquashfs', [root, join(work, 'image'), ...options], { env: environment });
    await rename(join(work, 'image'), image);
  } catch (cause) {
    const detail = (cause as { stderr?: string }).stderr?.trim() || (cause as Error).message;
    throw new Error(`cannot make the squashfs image ${image}: ${detail}`, { cause });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return image;
}
