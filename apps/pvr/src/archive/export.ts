/** `pvr export`: a state and its objects in one file (pvr §4.1). */
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '@pantavisor/cli';
import { isBelow } from '../reference.ts';
import { smallBytes } from '../repository/hashing.ts';
import type { ObjectPool } from '../repository/objects.ts';
import { objectsOf, type StateDocument, writeStateDocument } from '../repository/values.ts';
import { gzip } from './gzip.ts';
import { TarPiece, tarEnd, tarHeader, tarPadding } from './tar.ts';

const pieceBytes = 1024 * 1024;

/** Keeps `#spec` and what lies in the parts. @throws Failure `part-missing` */
export function filterParts(state: StateDocument, parts: readonly string[]): StateDocument {
  if (parts.length === 0) return state;
  const wanted = parts.map((part) => part.replace(/\/+$/, ''));
  for (const part of wanted)
    if (![...state.values.keys()].some((key) => isBelow(key, part)))
      throw new Failure('part-missing', `cannot export the part ${part}: the state has no such key`, { exitCode: 3 });
  return {
    spec: state.spec,
    values: new Map([...state.values].filter(([key]) => wanted.some((part) => isBelow(key, part)))),
  };
}

/**
 * Writes an export: gzip when the name ends in `.gz` or `.tgz`. The file appears when it is complete. The same state gives
 * the same bytes: members are sorted, each object comes once, and their times are zero.
 * @param target a path, or a stream that gets a plain tar
 * @returns number of objects
 */
export async function exportState(state: StateDocument, pool: ObjectPool, target: string | Writable): Promise<number> {
  const objects = [...objectsOf(state)].sort(([a], [b]) => (a < b ? -1 : 1));
  const sized = objects.map(([sha, key]) => ({ sha, key, size: pool.sizeOf(sha, key) }));
  const members = writeMembers(writeStateDocument(state), sized, pool);
  if (typeof target !== 'string') {
    await pipeline(Readable.from(members, { objectMode: false }), target);
    return objects.length;
  }
  const temporary = `${target}.${process.pid}.new`;
  try {
    const source = /\.(gz|tgz)$/i.test(target) ? gzip(members) : members;
    await pipeline(source, createWriteStream(temporary, { highWaterMark: pieceBytes, flush: true }));
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return objects.length;
}

async function* writeMembers(
  text: string,
  objects: readonly { sha: string; key: string; size: number }[],
  pool: ObjectPool,
): AsyncGenerator<Uint8Array> {
  const json = Buffer.from(text);
  yield Buffer.concat([tarHeader('json', json.length, 0o600), json, tarPadding(json.length)]);
  // Thousands of small members are written into one piece each: to hand them on one by one takes longer than all the rest.
  let piece = new TarPiece();
  for (const { sha, key, size } of objects) {
    const path = pool.pathOf(sha);
    const name = `objects/${sha}`;
    const damaged = () =>
      new Failure('object-damaged', `cannot export the object ${sha} of ${key}: its size changed meanwhile`);
    if (size <= smallBytes) {
      if (!piece.hasRoomFor(size)) {
        yield piece.content;
        piece = new TarPiece();
      }
      if (!piece.addFile(name, path, size)) throw damaged();
      continue;
    }
    if (piece.content.length > 0) {
      yield piece.content;
      piece = new TarPiece();
    }
    yield tarHeader(name, size, 0o644);
    let seen = 0;
    for await (const part of contentOf(path, size)) {
      seen += part.length;
      yield part;
    }
    if (seen !== size) throw damaged();
    yield tarPadding(size);
  }
  if (piece.content.length > 0) yield piece.content;
  yield tarEnd();
}

/** A stream for each of many files of middling size would take longer than reading them. */
function contentOf(path: string, size: number): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return size <= pieceBytes ? [readFileSync(path)] : createReadStream(path, { highWaterMark: pieceBytes });
}
