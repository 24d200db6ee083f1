/** Lays the layers of an image over each other (OCI image specification, layer.md). */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '@pantavisor/cli';
import { compressionOf, decompressor } from '../archive/import.ts';
import { readTarIndex, type TarMember } from './tar-index.ts';
import type { Inode, RootTree } from './tree.ts';

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';
/** Unpacked layers beyond this are taken for an attack on the disk, not for an image of a device. */
const unpackedLimit = 64 * 1024 ** 3;

/**
 * Decompresses an archive into a file, so that its members can be read in any order.
 * @returns SHA-256 of what came out, which images know as diff id
 */
export async function decompress(source: string, target: string, label: string): Promise<string> {
  const hash = createHash('sha256');
  let size = 0;
  const watch = new Transform({
    transform: (piece: Uint8Array, _encoding, done) => {
      size += piece.length;
      hash.update(piece);
      done(size > unpackedLimit ? new Error(`it unpacks to more than ${unpackedLimit} bytes`) : null, piece);
    },
  });
  try {
    // First, since a stream that nobody listens to must not fail.
    const steps: unknown[] = decompressor(compressionOf(source));
    steps.unshift(createReadStream(source, { highWaterMark: 1024 * 1024 }));
    steps.push(watch, createWriteStream(target));
    await pipeline(steps as unknown as [NodeJS.ReadableStream, NodeJS.WritableStream]);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') throw cause;
    throw new Failure('archive-invalid', `cannot unpack ${label}: ${(cause as Error).message}`, { cause, exitCode: 3 });
  }
  return hash.digest('hex');
}

/**
 * Adds one layer: first its whiteouts remove what lower layers had, then its entries come.
 * @param path uncompressed tar
 */
export async function applyLayer(tree: RootTree, path: string, label: string): Promise<void> {
  if ((await stat(path)).size === 0) return;
  const members = [...readTarIndex(path, label)];
  for (const { name } of members) {
    const { directory, base } = split(name);
    if (base === opaque) tree.clear(directory);
    else if (base.startsWith(whiteout) && !base.startsWith(`${whiteout}${whiteout}`))
      tree.remove(join(directory, base.slice(whiteout.length)));
  }
  const links: TarMember[] = [];
  for (const member of members) {
    if (split(member.name).base.startsWith(whiteout)) continue;
    // A hard link may stand before its target when an archive was put together by hand.
    if (member.type === 'link') {
      if (tree.find(member.target)) tree.link(member.name, member.target);
      else links.push(member);
    } else tree.put(member.name, inodeOf(member, path));
  }
  for (const { name, target } of links) tree.link(name, target);
}

function inodeOf(member: TarMember, path: string): Inode {
  const { mode, uid, gid, mtime, size, attributes } = member;
  const type = member.type === 'link' ? 'file' : member.type;
  return {
    type,
    mode,
    uid,
    gid,
    mtime,
    size,
    ...(type === 'file' ? { content: { path, offset: member.offset } } : {}),
    ...(type === 'symlink' ? { target: member.target } : {}),
    ...(type === 'character' || type === 'block' ? { major: member.major, minor: member.minor } : {}),
    ...(attributes ? { attributes } : {}),
  };
}

function split(name: string): { directory: string; base: string } {
  const clean = name.replace(/\/+$/, '');
  const slash = clean.lastIndexOf('/');
  return { directory: slash < 0 ? '' : clean.slice(0, slash), base: clean.slice(slash + 1) };
}

const join = (directory: string, name: string): string => (directory === '' ? name : `${directory}/${name}`);
