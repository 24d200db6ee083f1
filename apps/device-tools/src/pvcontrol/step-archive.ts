/** Archives that `pvr export` makes: one file `json` with the state, and `objects/<sha256>` (tar, usually gzipped). */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';

export interface ArchiveObject {
  sha256: string;
  size: number;
  pieces: AsyncIterable<Uint8Array>;
}

export interface ArchiveResult {
  /** Text of the member `json`; undefined when there is none. */
  state: string | undefined;
  /** Members `objects/…` that were handed over. */
  objects: number;
  /** SHA-256 of the archive file itself. */
  sha256: string;
}

const stateLimit = 32 * 1024 * 1024;
const pieceBytes = 1024 * 1024;
const objectPattern = /^objects\/([0-9a-f]{64})$/;

async function* bytesOf(entry: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const piece of entry) if (piece instanceof Uint8Array) yield piece;
}

/** SHA-256 of a file, 64 hex digits. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) hash.update(piece);
  return hash.digest('hex');
}

/**
 * Reads an archive once, from beginning to end, with constant memory.
 * @param onObject called for each object in the order of the archive; must read it to its end
 */
export async function readStepArchive(
  path: string,
  onObject: (object: ArchiveObject) => Promise<void>,
): Promise<ArchiveResult> {
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform: (chunk, _, next) => {
      hash.update(chunk);
      next(null, chunk);
    },
  });
  const members = extract();
  const file = createReadStream(path, { highWaterMark: pieceBytes });
  const unpacked = /\.t?gz$/.test(path)
    ? pipeline(file, hashing, createGunzip(), members)
    : pipeline(file, hashing, members);
  // The loop below meets the same failure; this only keeps it from being reported twice.
  unpacked.catch(() => {});
  let state: string | undefined;
  let objects = 0;
  for await (const entry of members) {
    const { type } = entry.header;
    const name = entry.header.name.replace(/^\.\//, '');
    const object = objectPattern.exec(name);
    if (type === 'file' && object) {
      objects += 1;
      await onObject({ sha256: object[1]!, size: entry.header.size ?? 0, pieces: bytesOf(entry) });
    } else if (type === 'file' && name === 'json') {
      const chunks: Uint8Array[] = [];
      if ((entry.header.size ?? 0) > stateLimit) throw new Error(`the state has more than ${stateLimit} bytes`);
      for await (const chunk of bytesOf(entry)) chunks.push(chunk);
      state = Buffer.concat(chunks).toString('utf8');
    }
    entry.resume();
  }
  await unpacked;
  return { state, objects, sha256: hash.digest('hex') };
}
