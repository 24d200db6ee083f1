/** SHA-256 of many files at once. */
import { createReadStream, promises, readFileSync } from 'node:fs';

/** Loading this takes longer than commands that hash nothing; so it comes when it is asked for. */
const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');

/** Below this the way through the thread pool costs more than the hashing. */
export const smallBytes = 48 * 1024;
/** Larger files are read piece by piece, so that memory stays bounded. */
const wholeBytes = 16 * 1024 * 1024;
const parallel = 6;

export interface FileToHash {
  path: string;
  size: number;
}

/** SHA-256 of bytes, 64 hex digits. */
export function sha256(bytes: Uint8Array | string): string {
  return crypto().hash('sha256', bytes, 'hex');
}

/** SHA-256 of one file, 64 hex digits, with bounded memory. */
export async function sha256File(path: string, size: number): Promise<string> {
  if (size <= smallBytes) return sha256(readFileSync(path));
  if (size <= wholeBytes) return digest(await promises.readFile(path));
  const stream = crypto().createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) stream.update(piece as Uint8Array);
  return stream.digest('hex');
}

/** Runs in the thread pool, beside other files. */
export async function digest(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto().subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
}

/** Hashes all files; `done` gets each result, in any order. */
export async function hashFiles<F extends FileToHash>(
  files: readonly F[],
  done: (file: F, sha: string) => void,
): Promise<void> {
  // The large ones first: the thread pool works on them while this thread does the small ones.
  const large = files.filter(({ size }) => size > smallBytes);
  const pending = eachParallel(large, parallel, async (file) => done(file, await sha256File(file.path, file.size)));
  pending.catch(() => {});
  for (const file of files) if (file.size <= smallBytes) done(file, sha256(readFileSync(file.path)));
  await pending;
}

/** Runs work over items, so many at a time; the first failure ends it. */
export async function eachParallel<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  // All lanes come to an end before this does, so nothing goes on behind the back of an error handler.
  const results = await Promise.allSettled(Array.from({ length: limit }, lane));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}
