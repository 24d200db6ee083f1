/** Request bodies on Node: read whole with a limit, streamed into a file with its SHA-256, or thrown away. */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { HostError } from '../ports.ts';

/** Bytes collected before one write to the file; larger pieces gain nothing, smaller ones cost a thread-pool trip each. */
const pieceBytes = 1024 * 1024;
/** Pieces that wait for the disk while more are read: a disk that is slow for a moment does not stop the reading. */
const waitingPieces = 3;
/** Pieces between two beginnings of writing back to the disk. */
const flushPieces = 32;

const tooLarge = (limit: number) =>
  new HostError('EFBIG', 'read the request body', undefined, `more than ${limit} bytes`);
const cutOff = () => new HostError('ECONNRESET', 'read the request body', undefined, 'the client went away');

/** Length that the request announces; undefined when it is chunked or has no body. */
export function announcedLength(message: IncomingMessage): number | undefined {
  const header = message.headers['content-length'];
  return header === undefined ? undefined : Number(header);
}

/** Whether a request can have a body at all (RFC 9112 §6.3). */
function hasBody(message: IncomingMessage): boolean {
  return message.headers['transfer-encoding'] !== undefined || (announcedLength(message) ?? 0) > 0;
}

/**
 * Collects the whole body.
 * @throws HostError EFBIG as soon as more than `limit` bytes are certain; ECONNRESET when the client goes away
 */
export async function readBody(message: IncomingMessage, limit: number): Promise<Uint8Array> {
  if (!hasBody(message)) return new Uint8Array();
  if ((announcedLength(message) ?? 0) > limit) throw tooLarge(limit);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let total = 0;
    const done = () => {
      message.off('data', take).off('end', end).off('close', close).off('error', close);
    };
    const take = (chunk: Buffer) => {
      total += chunk.length;
      if (total > limit) {
        done();
        message.resume();
        reject(tooLarge(limit));
      } else chunks.push(chunk);
    };
    const end = () => {
      done();
      const whole = Buffer.concat(chunks, total);
      resolve(new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength));
    };
    const close = () => {
      done();
      reject(cutOff());
    };
    message.on('data', take).on('end', end).on('close', close).on('error', close);
    if (message.destroyed) close();
  });
}

/**
 * Streams the body into a file, creating or truncating it, with constant memory. The file is removed when anything fails.
 * @param admit asked before each piece of about 1 MiB with the total including it
 * @returns size in bytes and SHA-256 as 64 hex digits
 * @throws HostError EFBIG when refused, ECONNRESET when the client goes away, or the kernel's reason (ENOSPC, EIO, …)
 */
export async function saveBody(
  message: IncomingMessage,
  path: string,
  mode: number,
  admit: (total: number) => Promise<boolean> = async () => true,
): Promise<{ size: number; sha256: string }> {
  const file = await openFile(path, mode);
  try {
    const result = await copy(message, file, path, admit);
    await file.close();
    return result;
  } catch (error) {
    await file.close().catch(() => {});
    await unlink(path).catch(() => {});
    throw error instanceof HostError ? error : hostError('write', path, error);
  }
}

async function openFile(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, 'w', mode);
  } catch (cause) {
    throw hostError('create', path, cause);
  }
}

async function copy(
  message: IncomingMessage,
  file: FileHandle,
  path: string,
  admit: (total: number) => Promise<boolean>,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  const writer = new PieceWriter(file);
  let size = 0;
  const take = async (piece: Buffer[]) => {
    for (const { length } of piece) size += length;
    if (!(await admit(size))) throw new HostError('EFBIG', 'write', path, 'the body was refused');
    await writer.write(piece);
  };
  try {
    if (hasBody(message)) await eachPiece(message, hash, take);
    await writer.end();
    return { size, sha256: hash.digest('hex') };
  } catch (error) {
    await writer.end().catch(() => {});
    throw error instanceof HostError || !message.destroyed ? error : cutOff();
  }
}

/**
 * Gives the body on in pieces of about 1 MiB, one after the other, while the next is read and hashed. By events, since an iterator costs
 * several promises for each 64 KiB that node reads.
 * @throws HostError ECONNRESET when the client goes away; what `take` throws
 */
function eachPiece(message: IncomingMessage, hash: Hash, take: (piece: Buffer[]) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    /** The piece before is being taken. */
    let busy = false;
    let over = false;
    let gone: HostError | undefined;
    const settle = (error?: unknown) => {
      message.off('data', collect).off('end', end).off('close', close).off('error', close);
      if (error === undefined) return resolve();
      // What is left goes nowhere: a paused request would hold up the next one of its connection.
      message.resume();
      reject(error);
    };
    const goOn = () => {
      busy = false;
      if (gone) return settle(gone);
      if (over) return end();
      if (pendingBytes >= pieceBytes) pass();
      message.resume();
    };
    const pass = () => {
      const piece = pending;
      pending = [];
      pendingBytes = 0;
      busy = true;
      take(piece).then(goOn, settle);
    };
    const collect = (bytes: Buffer) => {
      hash.update(bytes);
      pending.push(bytes);
      pendingBytes += bytes.length;
      if (pendingBytes < pieceBytes) return;
      if (busy) message.pause();
      else pass();
    };
    const end = () => {
      over = true;
      if (busy) return;
      if (!message.complete) settle(cutOff());
      else if (pendingBytes > 0) pass();
      else settle();
    };
    const close = () => {
      // Not `complete`: a whole body whose client left before it was read never ends either.
      if (over) return;
      gone = cutOff();
      // The file is not given up before the piece in hand is done with it.
      if (!busy) settle(gone);
    };
    message.on('data', collect).on('end', end).on('close', close).on('error', close);
    if (message.destroyed) close();
  });
}

/** Writes pieces one after the other, each beside the reading and hashing of the next few: memory stays at a few pieces. */
class PieceWriter {
  readonly #file: FileHandle;
  readonly #writing: Promise<void>[] = [];
  #last: Promise<void> = Promise.resolve();
  #flushing: Promise<void> | undefined;
  #unflushed = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Resolves when the next piece may come: few are waiting. Fails with the failure of an earlier one. */
  async write(piece: Buffer[]): Promise<void> {
    this.#last = this.#last.then(() => writeAll(this.#file, piece));
    this.#last.catch(() => {});
    this.#writing.push(this.#last);
    if (this.#writing.length > waitingPieces) await this.#writing.shift();
    this.#unflushed += 1;
    if (this.#unflushed < flushPieces || this.#flushing) return;
    // The disk starts early on what will have to be durable in the end: the sync after the last piece is then short.
    this.#unflushed = 0;
    this.#flushing = this.#file.datasync().finally(() => {
      this.#flushing = undefined;
    });
    this.#flushing.catch(() => {});
  }

  async end(): Promise<void> {
    await this.#last;
    await this.#flushing;
  }
}

async function writeAll(file: FileHandle, piece: Buffer[]): Promise<void> {
  let rest = piece;
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest);
    while (rest.length > 0 && bytesWritten >= rest[0]!.length) {
      bytesWritten -= rest[0]!.length;
      rest = rest.slice(1);
    }
    if (bytesWritten > 0) rest = [rest[0]!.subarray(bytesWritten), ...rest.slice(1)];
  }
}

/** Throws the unread rest of the body away; resolves when it is over or the client is gone. */
export function drainBody(message: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (message.complete || message.destroyed) return resolve();
    message.on('end', resolve).on('close', resolve).on('error', resolve);
    message.resume();
  });
}

/** Does work that depends on the client; hangs up when not a byte moves for `ms`. */
export async function stalling<T>(socket: Socket, ms: number, work: () => Promise<T>): Promise<T> {
  socket.setTimeout(ms);
  try {
    return await work();
  } finally {
    socket.setTimeout(0);
  }
}

/** A failure of Node's file functions in the words of the ports. */
export function hostError(operation: string, path: string, cause: unknown): HostError {
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'EIO';
  return new HostError(code, operation, path, undefined, { cause });
}
