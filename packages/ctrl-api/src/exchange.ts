/**
 * One HTTP/1.1 request over a unix socket. Written on node:net because loading node:http takes longer than everything else
 * that a command-line tool does; the control socket needs only a small part of HTTP (RFC 9112).
 */
import { connect, type Socket } from 'node:net';

export interface ExchangeRequest {
  method: string;
  /** Path with an optional query. */
  target: string;
  headers?: Readonly<Record<string, string>>;
  /** Text, bytes, or a stream of known length. */
  body?: string | Uint8Array | { pieces: AsyncIterable<Uint8Array>; size: number };
  /** Called after each piece of a streamed body with the bytes sent so far. */
  onSent?: (bytes: number) => void;
  /** Milliseconds without a byte in either direction after which the exchange is given up. Default 240000. */
  timeout?: number;
}

export interface ExchangeResponse {
  status: number;
  reason: string;
  /** Lower-case names. */
  headers: Record<string, string>;
  /** The body as it comes; to be read once. Ending early closes the connection. */
  body: AsyncIterable<Uint8Array>;
  /** The whole body as text. */
  text(): Promise<string>;
}

/** Why there is no response. `socket-missing`, `refused` (nobody listens), `forbidden`, `no-response`, `malformed`, `timeout`, `broken`. */
export class ExchangeError extends Error {
  override name = 'ExchangeError';
  readonly code: 'socket-missing' | 'refused' | 'forbidden' | 'no-response' | 'malformed' | 'timeout' | 'broken';
  readonly socketPath: string;
  constructor(code: ExchangeError['code'], socketPath: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.socketPath = socketPath;
  }
}

const defaultTimeout = 240_000;
const headLimit = 64 * 1024;
/** Milliseconds; all pauses together are about four seconds. */
const longestPause = 2048;

/**
 * Sends a request and resolves when the header of the final response is there.
 * @throws ExchangeError
 */
export async function exchange(socketPath: string, request: ExchangeRequest): Promise<ExchangeResponse> {
  const socket = await open(socketPath);
  const reader = new Reader(socket);
  const timeout = request.timeout ?? defaultTimeout;
  socket.setTimeout(timeout, () => {
    const message = `cannot go on with ${request.method} ${request.target}: nothing came for ${timeout / 1000} s`;
    socket.destroy(new ExchangeError('timeout', socketPath, message));
  });
  const sending = send(socket, request);
  // A server may answer and hang up before it has read everything; then the answer counts, not the failed write.
  sending.catch(() => {});
  try {
    const head = await readHead(reader, socketPath);
    const pieces = bodyOf(request.method, head, reader, socketPath);
    const body = closing(pieces, socket);
    return { ...head, body, text: () => textOf(body) };
  } catch (cause) {
    socket.destroy();
    if (cause instanceof ExchangeError) throw cause;
    throw new ExchangeError('broken', socketPath, `cannot talk over ${socketPath}: ${messageOf(cause)}`, { cause });
  }
}

/** A full queue of the server empties as fast as it accepts; the kernel says EAGAIN instead of letting a client wait. */
async function open(socketPath: string): Promise<Socket> {
  for (let pause = 1; ; pause *= 2) {
    try {
      return await openOnce(socketPath);
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      const isFull = cause instanceof Error && 'code' in cause && cause.code === 'EAGAIN';
      if (!isFull || pause > longestPause) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

function openOnce(socketPath: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketPath, noDelay: true });
    const fail = (cause: NodeJS.ErrnoException) => {
      const code = cause.code ?? '';
      const known = { ENOENT: 'socket-missing', ECONNREFUSED: 'refused', EACCES: 'forbidden' } as const;
      const reason = code in known ? known[code as keyof typeof known] : 'broken';
      reject(
        new ExchangeError(reason, socketPath, `cannot connect to ${socketPath}: ${code || cause.message}`, { cause }),
      );
    };
    socket.once('error', fail).once('connect', () => {
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

async function send(socket: Socket, request: ExchangeRequest): Promise<void> {
  const { body = '' } = request;
  const streamed = typeof body === 'object' && 'pieces' in body;
  const bytes = streamed ? undefined : typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const fields: Record<string, string> = {
    Host: 'localhost',
    ...request.headers,
    'Content-Length': String(streamed ? body.size : (bytes?.length ?? 0)),
    Connection: 'close',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${request.method} ${request.target} HTTP/1.1\r\n${lines.join('')}\r\n`);
  if (bytes) {
    if (bytes.length > 0) socket.write(bytes);
    return;
  }
  if (!streamed) return;
  let sent = 0;
  try {
    for await (const piece of body.pieces) {
      if (socket.destroyed) return;
      if (!socket.write(piece)) await drained(socket);
      sent += piece.length;
      request.onSent?.(sent);
    }
  } catch (error) {
    // The announced length cannot be kept any more: only hanging up tells the server.
    socket.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

/** Takes bytes from a socket by line or by count. */
class Reader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(socket: Socket) {
    this.#source = socket[Symbol.asyncIterator]();
  }

  /** The next piece of at most `most` bytes; undefined at the end. */
  async piece(most: number): Promise<Uint8Array | undefined> {
    if (this.#rest.length === 0 && !(await this.#more())) return undefined;
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** The next line without its end; undefined when the connection ended before a whole line came. */
  async line(limit: number): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if (end >= 0) {
        const text = latin1(this.#rest.subarray(0, end));
        this.#rest = this.#rest.subarray(end + 1);
        return text.endsWith('\r') ? text.slice(0, -1) : text;
      }
      if (this.#rest.length > limit || !(await this.#more())) return undefined;
    }
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done) return false;
    if (this.#rest.length === 0) {
      this.#rest = next.value;
      return true;
    }
    const whole = new Uint8Array(this.#rest.length + next.value.length);
    whole.set(this.#rest);
    whole.set(next.value, this.#rest.length);
    this.#rest = whole;
    return true;
  }
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

interface Head {
  status: number;
  reason: string;
  headers: Record<string, string>;
}

async function readHead(reader: Reader, socketPath: string): Promise<Head> {
  for (;;) {
    const status = await reader.line(headLimit);
    if (status === undefined)
      throw new ExchangeError('no-response', socketPath, `cannot get a response: ${socketPath} closed the connection`);
    const match = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: (.*))?$/.exec(status);
    if (!match) throw malformed(socketPath, status);
    const headers: Record<string, string> = {};
    for (;;) {
      const line = await reader.line(headLimit);
      if (line === undefined) throw malformed(socketPath, 'the header ended early');
      if (line === '') break;
      const colon = line.indexOf(':');
      if (colon < 1) throw malformed(socketPath, line);
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    if (Number(match[1]) >= 200) return { status: Number(match[1]), reason: match[2] ?? '', headers };
  }
}

function malformed(socketPath: string, detail: string): ExchangeError {
  return new ExchangeError(
    'malformed',
    socketPath,
    `cannot read the response of ${socketPath}: ${detail.slice(0, 100)}`,
  );
}

/** The body by the rules of RFC 9112 §6.3: none, chunked, of announced length, or up to the end of the connection. */
async function* bodyOf(method: string, head: Head, reader: Reader, socketPath: string): AsyncGenerator<Uint8Array> {
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return;
  if (/\bchunked\s*$/i.test(head.headers['transfer-encoding'] ?? '')) {
    for (;;) {
      const line = await reader.line(headLimit);
      const size = line === undefined ? Number.NaN : Number.parseInt(line, 16);
      if (Number.isNaN(size)) throw malformed(socketPath, 'a chunk is broken');
      if (size === 0) return;
      yield* exactly(size, reader, socketPath);
      await reader.line(headLimit);
    }
  }
  const length = head.headers['content-length'];
  if (length !== undefined) {
    yield* exactly(Number(length), reader, socketPath);
    return;
  }
  for (let piece = await reader.piece(Infinity); piece; piece = await reader.piece(Infinity)) yield piece;
}

async function* exactly(size: number, reader: Reader, socketPath: string): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0; ) {
    const piece = await reader.piece(left);
    if (!piece)
      throw new ExchangeError('broken', socketPath, `cannot read the whole response: ${left} bytes are missing`);
    left -= piece.length;
    yield piece;
  }
}

async function* closing(pieces: AsyncGenerator<Uint8Array>, socket: Socket): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
  } finally {
    socket.destroy();
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of body) text += decoder.decode(piece, { stream: true });
  return text + decoder.decode();
}
