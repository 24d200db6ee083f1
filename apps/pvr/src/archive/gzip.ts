/**
 * Gzip (RFC 1952) on all processors: pieces are deflated beside each other and joined to one stream, as pigz does. Pieces
 * that do not shrink, such as squashfs, are stored.
 */

import { promisify } from 'node:util';
import { constants, crc32, deflateRaw as deflateRawCallback } from 'node:zlib';

const deflateRaw = promisify(deflateRawCallback);

const pieceBytes = 1024 * 1024;
const probeBytes = 32 * 1024;
const ahead = 4;

/** Compresses a stream. The same input always gives the same output. */
export async function* gzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  const pending: Promise<Uint8Array>[] = [];
  let crc = 0;
  let length = 0;
  for await (const piece of pieces(source)) {
    crc = crc32(piece, crc);
    length = (length + piece.length) % 2 ** 32;
    const compressed = compress(piece);
    // Its failure is met when its turn comes; until then it must not count as unhandled.
    compressed.catch(() => {});
    pending.push(compressed);
    if (pending.length >= ahead) yield await pending.shift()!;
  }
  for (const compressed of pending) yield await compressed;
  const end = Buffer.alloc(10);
  // An empty final block ends the deflate stream.
  end.writeUInt16LE(0x0003, 0);
  end.writeUInt32LE(crc, 2);
  end.writeUInt32LE(length, 6);
  yield end;
}

async function compress(piece: Uint8Array): Promise<Uint8Array> {
  const flush = constants.Z_SYNC_FLUSH;
  const probe = await deflateRaw(piece.subarray(0, probeBytes), { level: 1 });
  const shrinks = probe.length < Math.min(piece.length, probeBytes) * 0.97;
  return deflateRaw(piece, { level: shrinks ? 6 : 0, finishFlush: flush });
}

/** Cuts a stream into pieces of the same size, whatever the sizes it comes in. */
async function* pieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    parts.push(chunk);
    size += chunk.length;
    if (size < pieceBytes) continue;
    const all = Buffer.concat(parts);
    let at = 0;
    for (; all.length - at >= pieceBytes; at += pieceBytes) yield all.subarray(at, at + pieceBytes);
    parts = at === all.length ? [] : [all.subarray(at)];
    size = all.length - at;
  }
  if (size > 0) yield Buffer.concat(parts);
}
