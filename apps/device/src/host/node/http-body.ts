/** Request bodies on Node: read whole with a limit, streamed into a file with its SHA-256, or thrown away. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { HostError } from '../ports.ts';

/** Bytes collected before one write to the file; larger pieces gain nothing, smaller ones cost a thread-pool trip each. */
const pieceBytes = 1024 * 1024;
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
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const flush = async () => {
    const piece = pending;
    size += pendingBytes;
    pending = [];
    pendingBytes = 0;
    if (!(await admit(size))) throw new HostError('EFBIG', 'write', path, 'the body was refused');
    await writer.write(piece);
  };
  try {
    if (hasBody(message)) {
      for await (const chunk of message.iterator({ destroyOnReturn: false })) {
        const bytes: Buffer = chunk;
        hash.update(bytes);
        pending.push(bytes);
        pendingBytes += bytes.length;
        if (pendingBytes >= pieceBytes) await flush();
      }
      if (!message.complete) throw cutOff();
    }
    if (pendingBytes > 0) await flush();
    await writer.end();
    return { size, sha256: hash.digest('hex') };
  } catch (error) {
    await writer.end().catch(() => {});
    throw error instanceof HostError || !message.destroyed ? error : cutOff();
  }
}

/** Writes pieces one after the other, each beside the reading and hashing of the next: memory stays at two pieces. */
class PieceWriter {
  readonly #file: FileHandle;
  #writing: Promise<void> = Promise.resolve();
  #flushing: Promise<void> | undefined;
  #unflushed = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Resolves when the piece before is written; fails with the failure of that. */
  async write(piece: Buffer[]): Promise<void> {
    await this.#writing;
    this.#writing = writeAll(this.#file, piece);
    this.#writing.catch(() => {});
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
    await this.#writing;
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
