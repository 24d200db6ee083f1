/** Archives that `pvr export` makes: one file `json` with the state, and `objects/<sha256>` (tar, usually gzipped). */
import type { ToolHost } from '../host/ports.ts';
import { readTar } from './tar.ts';

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
const objectPattern = /^objects\/([0-9a-f]{64})$/;

/** SHA-256 of a file, 64 hex digits. */
export async function sha256OfFile(host: ToolHost, path: string): Promise<string> {
  const hash = host.sha256();
  for await (const piece of (await host.files.open(path)).pieces) hash.update(piece);
  return hash.hex();
}

/**
 * Reads an archive once, from beginning to end, with constant memory.
 * @param onObject called for each object in the order of the archive; what it does not read is skipped
 */
export async function readStepArchive(
  host: ToolHost,
  path: string,
  onObject: (object: ArchiveObject) => Promise<void>,
): Promise<ArchiveResult> {
  const hash = host.sha256();
  const packed = hashed((await host.files.open(path)).pieces, hash)[Symbol.asyncIterator]();
  // What reads it may end before the file does, which is hashed to its end all the same.
  const shared = { [Symbol.asyncIterator]: () => ({ next: () => packed.next() }) };
  let state: string | undefined;
  let objects = 0;
  for await (const member of readTar(/\.t?gz$/.test(path) ? host.gunzip(shared) : shared, host.transport.decode)) {
    const name = member.name.replace(/^\.\//, '');
    const object = objectPattern.exec(name);
    if (member.isFile && object) {
      objects += 1;
      await onObject({ sha256: object[1]!, size: member.size, pieces: member.content });
    } else if (member.isFile && name === 'json') {
      if (member.size > stateLimit) throw new Error(`the state has more than ${stateLimit} bytes`);
      const bytes = new Uint8Array(member.size);
      let at = 0;
      for await (const piece of member.content) {
        bytes.set(piece, at);
        at += piece.length;
      }
      state = host.transport.decode(bytes);
    }
  }
  while (!(await packed.next()).done);
  return { state, objects, sha256: hash.hex() };
}

async function* hashed(
  pieces: AsyncIterable<Uint8Array>,
  hash: { update(bytes: Uint8Array): void },
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}
