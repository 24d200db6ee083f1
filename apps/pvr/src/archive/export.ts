/** `pvr export`: a state and its objects in one file (pvr §4.1). */
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '@pantavisor/cli';
import { isBelow } from '../reference.ts';
import type { ObjectPool } from '../repository/objects.ts';
import { objectsOf, type StateDocument, writeStateDocument } from '../repository/values.ts';
import { gzip } from './gzip.ts';
import { tarEnd, tarHeader, tarPadding } from './tar.ts';

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
  for (const [sha, key] of objects) pool.sizeOf(sha, key);
  const members = writeMembers(writeStateDocument(state), objects, pool);
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
  objects: readonly (readonly [string, string])[],
  pool: ObjectPool,
): AsyncGenerator<Uint8Array> {
  const json = Buffer.from(text);
  yield tarHeader('json', json.length, 0o600);
  yield json;
  yield tarPadding(json.length);
  for (const [sha, key] of objects) {
    const size = pool.sizeOf(sha, key);
    yield tarHeader(`objects/${sha}`, size, 0o644);
    let seen = 0;
    // A stream for each of thousands of small objects would take longer than all the rest.
    if (size <= pieceBytes) {
      const content = readFileSync(pool.pathOf(sha));
      seen = content.length;
      yield content;
    } else
      for await (const piece of createReadStream(pool.pathOf(sha), { highWaterMark: pieceBytes })) {
        seen += (piece as Uint8Array).length;
        yield piece as Uint8Array;
      }
    if (seen !== size)
      throw new Failure('object-damaged', `cannot export the object ${sha} of ${key}: its size changed meanwhile`);
    yield tarPadding(size);
  }
  yield tarEnd();
}
