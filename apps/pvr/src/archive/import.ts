/** Reads exports: a `json` and objects, in a tar that may be compressed (pvr §4.1). */
import { closeSync, createReadStream, createWriteStream, mkdirSync, openSync, readSync } from 'node:fs';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Failure } from '@pantavisor/cli';
import { extract } from 'tar-stream';
import type { ObjectPool } from '../repository/objects.ts';
import { readStateDocument, type StateDocument } from '../repository/values.ts';

export interface ImportOutcome {
  state: StateDocument;
  /** Objects that came into the pool. */
  added: number;
  /** Objects that were there already. */
  known: number;
  /** Members that mean nothing here. */
  ignored: string[];
}

const stateLimit = 64 * 1024 * 1024;
const pieceBytes = 1024 * 1024;

/** How a file is compressed, by its first bytes. */
export function compressionOf(path: string): 'gzip' | 'zstd' | 'none' {
  const start = Buffer.alloc(4);
  const file = openSync(path, 'r');
  try {
    readSync(file, start, 0, 4, 0);
  } finally {
    closeSync(file);
  }
  if (start.readUInt16BE(0) === 0x1f8b) return 'gzip';
  return start.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none';
}

/** A stream that undoes a compression. */
export function decompressor(compression: 'gzip' | 'zstd' | 'none'): Transform[] {
  return compression === 'gzip' ? [createGunzip()] : compression === 'zstd' ? [createZstdDecompress()] : [];
}

/**
 * Reads an export and brings its objects into the pool, each checked against its name. Members other than `json` and
 * objects are ignored: an archive must not change the configuration of a repository.
 * @throws Failure `archive-invalid`, `object-mismatch`
 */
export async function readExport(path: string, pool: ObjectPool): Promise<ImportOutcome> {
  const members = extract();
  const broken = (cause: unknown): Failure =>
    cause instanceof Failure
      ? cause
      : new Failure('archive-invalid', `cannot read the export ${path}: ${(cause as Error).message}`, {
          cause,
          exitCode: 3,
        });
  mkdirSync(pool.directory, { recursive: true });
  let compression: ReturnType<typeof compressionOf>;
  try {
    compression = compressionOf(path);
  } catch (cause) {
    throw broken(cause);
  }
  const input = [createReadStream(path, { highWaterMark: pieceBytes }), ...decompressor(compression), members] as const;
  const unpacked = pipeline(input as unknown as [NodeJS.ReadableStream, NodeJS.WritableStream]);
  // The loop below meets the same failure; this only keeps it from being reported twice.
  unpacked.catch(() => {});
  let text: string | undefined;
  const outcome = { added: 0, known: 0, ignored: [] as string[] };
  try {
    for await (const entry of members) {
      const { type, size = 0 } = entry.header;
      const name = entry.header.name.replace(/^(\.\/)+/, '');
      const sha = /^(?:.*\/)?objects\/([0-9a-f]{64})$/.exec(name)?.[1];
      if (type === 'directory') entry.resume();
      else if (type === 'file' && name === 'json') {
        if (size > stateLimit)
          throw new Failure(
            'archive-invalid',
            `cannot read the export ${path}: its state is larger than ${stateLimit} bytes`,
          );
        const pieces: Uint8Array[] = [];
        for await (const piece of entry as AsyncIterable<Uint8Array>) pieces.push(piece);
        text = Buffer.concat(pieces).toString('utf8');
      } else if (type === 'file' && sha !== undefined) {
        if (pool.hasOfSize(sha, size)) {
          outcome.known += 1;
          entry.resume();
          continue;
        }
        await pool.add([
          { sha, fill: (target) => pipeline(entry as unknown as NodeJS.ReadableStream, createWriteStream(target)) },
        ]);
        outcome.added += 1;
      } else {
        outcome.ignored.push(name);
        entry.resume();
      }
    }
    await unpacked;
  } catch (cause) {
    throw broken(cause);
  }
  if (text === undefined)
    throw new Failure('archive-invalid', `cannot read the export ${path}: it has no member 'json'`, { exitCode: 3 });
  return { state: readStateDocument(text, `${path}, member json`), ...outcome };
}
