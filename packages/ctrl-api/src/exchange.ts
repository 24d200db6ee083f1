/** One HTTP/1.1 request over a unix socket: the small part of HTTP (RFC 9112) that the control socket needs. */
import { type Body, type ByteSource, joined, readAnswer } from './http/index.ts';
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
    const { head, body } = await readAnswer(sourceOf(connection, socketPath), request.method);
    const { status, reason, headers } = head;
    const pieces = piecesOf(body, connection, failureOf);
    return { status, reason, headers, body: pieces, text: () => textOf(transport, pieces) };
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

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function sourceOf(connection: Connection, socketPath: string): ByteSource {
  const failures = {
    nothing: () =>
      new ExchangeError('no-response', socketPath, `cannot get a response: ${socketPath} closed the connection`),
    cut: (detail: string) => new ExchangeError('broken', socketPath, `cannot read the whole response: ${detail}`),
    malformed: (detail: string) =>
      new ExchangeError('malformed', socketPath, `cannot read the response of ${socketPath}: ${detail}`),
  };
  return { read: () => connection.read(), failure: (kind, detail) => failures[kind](detail) };
}

async function* piecesOf(
  body: Body,
  connection: Connection,
  failureOf: (cause: unknown) => ExchangeError,
): AsyncGenerator<Uint8Array> {
  try {
    for (let piece = await body.next(); piece !== undefined; piece = await body.next()) yield piece;
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
