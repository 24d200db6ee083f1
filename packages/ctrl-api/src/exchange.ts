/** One HTTP/1.1 request over a unix socket: the small part of HTTP (RFC 9112) that the control socket needs. */
import { type Connection, type Transport, TransportFailure } from './transport.ts';

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

/**
 * Sends a request and resolves when the header of the final response is there.
 * @throws ExchangeError
 */
export async function exchangeOver(
  transport: Transport,
  socketPath: string,
  request: ExchangeRequest,
): Promise<ExchangeResponse> {
  const timeout = request.timeout ?? defaultTimeout;
  const connection = await transport.connect(socketPath, timeout).catch((cause: unknown) => {
    throw connectError(socketPath, cause);
  });
  const reader = new Reader(connection);
  let broken: unknown;
  // A server may answer and hang up before it has read everything; then the answer counts, not the failed write.
  send(transport, connection, request).catch((error: unknown) => {
    broken = error;
    // The announced length cannot be kept any more: only hanging up tells the server.
    if (!(error instanceof TransportFailure)) connection.close();
  });
  const failureOf = (cause: unknown): ExchangeError => {
    connection.close();
    if (cause instanceof ExchangeError && cause.code !== 'no-response') return cause;
    const reason = broken instanceof TransportFailure ? cause : (broken ?? cause);
    if (reason instanceof ExchangeError) return reason;
    const timedOut = reason instanceof TransportFailure && reason.code === 'ETIMEDOUT';
    const message = timedOut
      ? `cannot go on with ${request.method} ${request.target}: nothing came for ${timeout / 1000} s`
      : `cannot talk over ${socketPath}: ${messageOf(reason)}`;
    return new ExchangeError(timedOut ? 'timeout' : 'broken', socketPath, message, { cause: reason });
  };
  try {
    const head = await readHead(reader, socketPath);
    const body = closing(bodyOf(request.method, head, reader, socketPath), connection, failureOf);
    return { ...head, body, text: () => textOf(transport, body) };
  } catch (cause) {
    throw failureOf(cause);
  }
}

function connectError(socketPath: string, cause: unknown): ExchangeError {
  const code = cause instanceof TransportFailure ? cause.code : '';
  const known = { ENOENT: 'socket-missing', ECONNREFUSED: 'refused', EACCES: 'forbidden' } as const;
  const reason = code in known ? known[code as keyof typeof known] : 'broken';
  return new ExchangeError(reason, socketPath, `cannot connect to ${socketPath}: ${messageOf(cause)}`, { cause });
}

async function send(transport: Transport, connection: Connection, request: ExchangeRequest): Promise<void> {
  const { body = '' } = request;
  const streamed = typeof body === 'object' && 'pieces' in body;
  const bytes = streamed ? undefined : typeof body === 'string' ? transport.encode(body) : body;
  const fields: Record<string, string> = {
    Host: 'localhost',
    ...request.headers,
    'Content-Length': String(streamed ? body.size : (bytes?.length ?? 0)),
    Connection: 'close',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  await connection.write(transport.encode(`${request.method} ${request.target} HTTP/1.1\r\n${lines.join('')}\r\n`));
  if (bytes && bytes.length > 0) await connection.write(bytes);
  if (!streamed) return;
  let sent = 0;
  for await (const piece of body.pieces) {
    await connection.write(piece);
    sent += piece.length;
    request.onSent?.(sent);
  }
}

/** Takes bytes from a socket by line or by count. */
class Reader {
  readonly #connection: Connection;
  #rest: Uint8Array = new Uint8Array();

  constructor(connection: Connection) {
    this.#connection = connection;
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
    const next = await this.#connection.read();
    if (next === undefined) return false;
    this.#rest = this.#rest.length === 0 ? next : joined([this.#rest, next]);
    return true;
  }
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

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

async function* closing(
  pieces: AsyncGenerator<Uint8Array>,
  connection: Connection,
  failureOf: (cause: unknown) => ExchangeError,
): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
  } catch (cause) {
    throw failureOf(cause);
  } finally {
    connection.close();
  }
}

async function textOf(transport: Transport, body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return transport.decode(joined(pieces));
}
