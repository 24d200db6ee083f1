/** Packages: `json` and `objects/<sha256>` in a tar archive, plain or gzipped, or a state alone (pvtx.md §3). */
import { joined } from '@pantavisor/ctrl-api/portable';
import type { ToolHost } from '../host/ports.ts';
import { readTar, type TarMember } from '../pvcontrol/tar.ts';
import { PvtxFailure } from './failure.ts';
import { stateLimit } from './state-text.ts';

type Pieces = AsyncIterable<Uint8Array>;

/** Bytes that tell what a file is. */
const headSize = 512;

/**
 * Reads a package once, from beginning to end, with constant memory.
 * @param onObject called for each object in the order of the archive, with its content to be read
 * @returns text of the state
 * @throws PvtxFailure when it is no package: names that leave it, links, no state or two
 */
export async function readPackage(
  host: ToolHost,
  source: Pieces,
  onObject: (sha256: string, size: number, pieces: Pieces) => Promise<void>,
): Promise<string> {
  const { head, pieces } = await peek(source);
  const { decode } = host.transport;
  if (head[0] === 0x42 && head[1] === 0x5a && head[2] === 0x68)
    throw new PvtxFailure('cannot read bzip2; pack it with gzip or not at all');
  const packed = head[0] === 0x1f && head[1] === 0x8b;
  if (!packed && decode(head.subarray(257, 262)) !== 'ustar') return textOf(decode, pieces);
  const archive = (packed ? host.gunzip(pieces) : pieces)[Symbol.asyncIterator]();
  let state: string | undefined;
  try {
    for await (const member of readTar({ [Symbol.asyncIterator]: () => archive }, decode)) {
      const name = nameOf(member);
      const [, sha256] = /^objects\/([0-9a-f]{64})$/.exec(name) ?? [];
      if (sha256 !== undefined) await onObject(sha256, member.size, member.content);
      else if (name === 'json') {
        if (state !== undefined) throw new PvtxFailure('cannot use the package: it has two members json');
        state = await textOf(decode, member.content);
      }
    }
  } finally {
    // An archive may end before its file does; whoever unpacks it is through all the same.
    await archive.return?.();
  }
  if (state === undefined)
    throw new PvtxFailure("cannot use the package: it has no member json; 'pvr export' makes packages");
  return state;
}

/** The name without `./`; empty for what is passed over. */
function nameOf({ name, isFile }: TarMember): string {
  if (name.startsWith('/') || name.split('/').includes('..'))
    throw new PvtxFailure(`cannot use the package: its member ${JSON.stringify(name)} leaves it`);
  const short = name.replace(/^\.\//, '');
  if (isFile) return short;
  if (short === 'json' || /^objects\/[^/]/.test(short))
    throw new PvtxFailure(`cannot use the package: its member ${JSON.stringify(name)} is no file`);
  return '';
}

async function textOf(decode: (bytes: Uint8Array) => string, pieces: Pieces): Promise<string> {
  const read: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > stateLimit) throw new PvtxFailure(`cannot use a state of more than ${stateLimit} bytes`);
    read.push(piece);
  }
  return decode(joined(read));
}

/** The first bytes, and all of them. */
async function peek(source: Pieces): Promise<{ head: Uint8Array; pieces: Pieces }> {
  const iterator = source[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let size = 0;
  while (size < headSize) {
    const { done, value } = await iterator.next();
    if (done) break;
    first.push(value);
    size += value.length;
  }
  const rest = async function* () {
    yield* first;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  };
  return { head: joined(first).subarray(0, headSize), pieces: rest() };
}

/**
 * Stores an object in a folder under its name, durably. One that is there and whole is left alone.
 * @throws PvtxFailure when the content is not what the name says
 */
export async function storeObject(host: ToolHost, folder: string, sha256: string, pieces: Pieces): Promise<void> {
  const { files } = host;
  const path = `${folder}/${sha256}`;
  if (files.exists(path) && (await digestOf(host, (await files.open(path)).pieces)) === sha256) return;
  const temporary = `${path}.${host.pid}.new`;
  const sink = await files.create(temporary);
  try {
    let found: string;
    try {
      found = await digestOf(host, pieces, (piece) => sink.write(piece));
      await sink.sync();
    } finally {
      await sink.close();
    }
    if (found !== sha256)
      throw new PvtxFailure(`cannot use the object ${sha256}: the SHA-256 of its content is ${found}`);
    await files.rename(temporary, path);
  } catch (error) {
    await files.remove(temporary);
    throw error;
  }
}

/** SHA-256 of what comes, handed on meanwhile. */
async function digestOf(
  host: ToolHost,
  pieces: Pieces,
  onPiece?: (piece: Uint8Array) => Promise<void>,
): Promise<string> {
  const hash = host.sha256();
  for await (const piece of pieces) {
    hash.update(piece);
    await onPiece?.(piece);
  }
  return hash.hex();
}
