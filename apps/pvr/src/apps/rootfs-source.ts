/** Apps from a root file system: a folder, a tar, or the address of one (pvr §8.5). */
import { statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Failure } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import { withoutSecrets } from '../http/client.ts';
import { download } from '../http/download.ts';
import { sha256File } from '../repository/hashing.ts';
import { readDirectoryTree } from '../rootfs/directory.ts';
import { applyLayer, decompress } from '../rootfs/layers.ts';
import { writeSquashfs } from '../rootfs/squashfs.ts';
import { RootTree } from '../rootfs/tree.ts';
import { formatOf, withScratch } from './build.ts';
import type { SourceManifest } from './manifest.ts';

/**
 * Packs a root file system into `root.squashfs`.
 * @returns `sha256:<hex>` of the image
 */
export async function packRootfs(pvr: Pvr, from: string, directory: string, manifest: SourceManifest): Promise<string> {
  const target = join(directory, 'root.squashfs');
  await withScratch(async (scratch) => {
    await writeSquashfs(await readTree(pvr, from, scratch), target, formatOf(manifest));
  });
  const digest = `sha256:${await sha256File(target, statSync(target).size)}`;
  writeFileSync(`${target}.rootfs-digest`, digest);
  return digest;
}

async function readTree(pvr: Pvr, from: string, scratch: string): Promise<RootTree> {
  let path: string;
  if (/^https?:\/\//.test(from)) {
    path = join(scratch, 'rootfs');
    const get = (headers: Record<string, string>) => pvr.http.call(from, { headers });
    await download(get, `the root file system ${withoutSecrets(from)}`, path, () => {});
  } else path = resolve(pvr.directory, from.replace(/^~(?=\/|$)/, pvr.environment.HOME ?? homedir()));
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw new Failure('source-missing', `cannot find the root file system ${from}`, { exitCode: 3 });
  if (stats.isDirectory()) return readDirectoryTree(path);
  const unpacked = join(scratch, 'rootfs.tar');
  await decompress(path, unpacked, from);
  const tree = new RootTree();
  await applyLayer(tree, unpacked, from);
  if ([...tree.entries()].length === 0)
    throw new Failure('archive-invalid', `cannot use ${from}: it is neither a folder nor a tar with files`, {
      exitCode: 3,
    });
  return tree;
}
