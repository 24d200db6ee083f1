/** The port `Http` on Node: node:http over a unix socket, with limits on connections and on the time a client may take. */
import { stat, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { peerCredentials } from '@pantavisor/linux';
import { HostError, type Http, type HttpRequest, type HttpResponse, type Peer } from '../ports.ts';
import { internalError, sendResponse } from './http-answer.ts';
import { announcedLength, hostError, readBody, saveBody, stalling } from './http-body.ts';

type Serve = Parameters<Http['serve']>[0];
type MalformedReason = Parameters<Serve['malformed']>[0];

/** sun_path holds 108 bytes with the final zero (unix(7)). */
const longestSocketPath = 107;
/** Milliseconds that requests in progress get when the server closes. */
const closeGrace = 1000;

/** One connection: who it is, and what it is at. */
interface Connection {
  socket: Socket;
  peer: Peer;
  /** The last of its requests, until it is answered; undefined while the connection waits for one. */
  turn: Promise<void> | undefined;
  /** The request that is being answered. */
  message: IncomingMessage | undefined;
  /** Its answer is on the way. */
  sending: boolean;
  /** Runs while the connection waits for the header of a request to be complete. */
  timer: NodeJS.Timeout;
  /** A request has been read. */
  served: boolean;
  /** Nothing more is answered: the last response is out, or the client broke the protocol. */
  closing: boolean;
  /** What was wrong with the bytes after the request that is being answered. */
  late: MalformedReason | undefined;
}

/**
 * HTTP on unix sockets.
 * @param peerOf identity of the process at the other end of a connected socket, by descriptor
 */
export function createHttp(peerOf: (descriptor: number) => Peer = peerCredentials): Http {
  return {
    async serve(request) {
      const { socketPath } = request;
      const bytes = Buffer.byteLength(socketPath);
      if (bytes > longestSocketPath) {
        const detail = `a socket path has at most ${longestSocketPath} bytes, this one has ${bytes}`;
        throw new HostError('ENAMETOOLONG', 'listen on', socketPath, detail);
      }
      const server = new UnixHttpServer(request, peerOf);
      await server.listen();
      return { close: () => server.close() };
    },
  };
}

class UnixHttpServer {
  readonly #serve: Serve;
  readonly #peerOf: (descriptor: number) => Peer;
  readonly #server: Server;
  readonly #connections = new Map<Duplex, Connection>();
  #closing = false;

  constructor(serve: Serve, peerOf: (descriptor: number) => Peer) {
    this.#serve = serve;
    this.#peerOf = peerOf;
    this.#server = createServer({
      maxHeaderSize: serve.limits.headerBytes,
      requireHostHeader: false,
      joinDuplicateHeaders: true,
      insecureHTTPParser: false,
      // Each connection has its own timer, so that nothing wakes up while nobody is connected.
      headersTimeout: 0,
      requestTimeout: 0,
      keepAliveTimeout: 0,
      connectionsCheckingInterval: 2 ** 31 - 1,
    });
    this.#server
      .on('connection', (socket: Socket) => this.#accept(socket))
      .on('request', (message, reply) => this.#enqueue(message, reply, false))
      .on('checkContinue', (message, reply) => this.#enqueue(message, reply, true))
      .on('connect', (_message, socket) => this.#broken(socket, 'method'))
      .on('clientError', (error: NodeJS.ErrnoException, socket) => this.#broken(socket, reasonOf(error)));
  }

  async listen(): Promise<void> {
    const { socketPath, mode, limits } = this.#serve;
    // libuv would report a missing directory as EACCES.
    await stat(dirname(socketPath)).catch((error) => {
      throw hostError('listen on', socketPath, error);
    });
    await unlink(socketPath).catch((error) => {
      if (error.code !== 'ENOENT') throw hostError('replace', socketPath, error);
    });
    await new Promise<void>((resolve, reject) => {
      const failed = (error: unknown) => reject(hostError('listen on', socketPath, error));
      this.#server.once('error', failed);
      // The socket must never exist with more permissions than asked for; bind happens inside the call of listen.
      const before = process.umask(0o777 & ~mode);
      try {
        this.#server.listen({ path: socketPath, backlog: Math.max(limits.connections, 128) }, () => {
          this.#server.off('error', failed);
          resolve();
        });
      } finally {
        process.umask(before);
      }
    });
  }

  /** Takes no new connections, closes the idle ones, and gives requests in progress a moment. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections.values()) if (!connection.turn) connection.socket.destroy();
    const kill = setTimeout(() => {
      for (const { socket } of this.#connections.values()) socket.destroy();
    }, closeGrace);
    await closed;
    clearTimeout(kill);
  }

  #accept(socket: Socket): void {
    const peer = this.#identify(socket);
    if (!peer || (this.#connections.size >= this.#serve.limits.connections && !this.#evict())) {
      socket.destroy();
      return;
    }
    const { headerTimeout } = this.#serve.limits;
    const timer = setTimeout(() => this.#expire(connection), headerTimeout).unref();
    const connection: Connection = {
      socket,
      peer,
      turn: undefined,
      message: undefined,
      sending: false,
      timer,
      served: false,
      closing: false,
      late: undefined,
    };
    this.#connections.set(socket, connection);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(connection.timer);
      this.#connections.delete(socket);
    });
  }

  #identify(socket: Socket): Peer | undefined {
    // Node has no public way to the descriptor of a socket; the handle's `fd` has been there since its first versions.
    const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null };
    if (typeof handle?.fd !== 'number' || handle.fd < 0) return undefined;
    try {
      return this.#peerOf(handle.fd);
    } catch {
      return undefined;
    }
  }

  /** Makes room at the limit: the oldest waiting connection of the process that has most goes. False when all are busy. */
  #evict(): boolean {
    const waiting = new Map<number, Connection[]>();
    for (const connection of this.#connections.values()) {
      if (connection.message || connection.closing) continue;
      const list = waiting.get(connection.peer.pid);
      if (list) list.push(connection);
      else waiting.set(connection.peer.pid, [connection]);
    }
    const [victim] = [...waiting.values()].reduce((most, list) => (list.length > most.length ? list : most), []);
    if (!victim) return false;
    this.#connections.delete(victim.socket);
    victim.socket.destroy();
    return true;
  }

  /** No complete request came in time. Who began one is told; who only kept the connection open is hung up on. */
  #expire(connection: Connection): void {
    const began = !connection.served && connection.socket.bytesRead > 0;
    if (began) this.#refuse(connection, 'timeout');
    else connection.socket.destroy();
  }

  /** Requests of one connection are answered one after the other, also when the client did not wait. */
  #enqueue(message: IncomingMessage, reply: ServerResponse, expectsContinue: boolean): void {
    const connection = this.#connections.get(message.socket);
    if (!connection || connection.closing) return;
    clearTimeout(connection.timer);
    const run = () => this.#answer(connection, message, reply, expectsContinue);
    const turn: Promise<void> = (connection.turn ? connection.turn.then(run) : run())
      .catch(() => {
        message.socket.destroy();
      })
      .then(() => {
        if (connection.turn === turn) this.#rest(connection);
      });
    connection.turn = turn;
  }

  /** The connection waits for its next request. */
  #rest(connection: Connection): void {
    connection.turn = undefined;
    const { socket } = connection;
    if (socket.destroyed || connection.closing) return;
    if (this.#closing) socket.end();
    else connection.timer = setTimeout(() => this.#expire(connection), this.#serve.limits.idleTimeout).unref();
  }

  async #answer(
    connection: Connection,
    message: IncomingMessage,
    reply: ServerResponse,
    expectsContinue: boolean,
  ): Promise<void> {
    const { socket, peer } = connection;
    if (connection.closing || socket.destroyed) return;
    const { idleTimeout } = this.#serve.limits;
    connection.message = message;
    connection.served = true;
    const request = new NodeRequest(message, reply, peer, expectsContinue, idleTimeout);
    const response = await this.#serve.handler(request).catch(() => internalError);
    if (connection.closing) return;
    if (response === undefined) {
      connection.closing = true;
      socket.destroy();
      return;
    }
    // A client that was not told to continue may send its body or not: only the end of the connection is unambiguous.
    const unasked = expectsContinue && !request.continued;
    const options = { close: unasked || this.#closing, drain: unasked ? closeGrace : idleTimeout };
    connection.sending = true;
    await sendResponse(message, reply, response, options);
    connection.sending = false;
    connection.message = undefined;
    if (connection.late) this.#refuse(connection, connection.late);
  }

  /** Node could not read what came. While an earlier request is being answered, that answer goes first. */
  #broken(stream: Duplex, reason: MalformedReason | undefined): void {
    const connection = this.#connections.get(stream);
    if (!connection || reason === undefined) stream.destroy();
    else if (!connection.turn) this.#refuse(connection, reason);
    else if (connection.message?.complete !== false) connection.late ??= reason;
    else if (!connection.sending) this.#refuse(connection, reason);
    else connection.socket.destroySoon();
  }

  /** Answers what is no request, once, and hangs up. */
  #refuse(connection: Connection, reason: MalformedReason): void {
    const { socket } = connection;
    if (connection.closing) return;
    connection.closing = true;
    clearTimeout(connection.timer);
    // Bytes that were sent and not read would make the kernel report a reset before the client has read the answer.
    const timer = setTimeout(() => socket.destroy(), closeGrace).unref();
    socket.once('close', () => clearTimeout(timer));
    socket.end(formatResponse(this.#serve.malformed(reason)));
    socket.resume();
  }
}

/** A whole response as text, for clients to which node:http has no answer to give. */
function formatResponse(response: HttpResponse): string {
  const body = typeof response.body === 'string' ? response.body : '';
  const fields = { ...response.headers, Connection: 'close', 'Content-Length': String(Buffer.byteLength(body)) };
  const reason = response.reason ?? STATUS_CODES[response.status] ?? 'Unknown';
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${response.status} ${reason}\r\n${lines.join('')}\r\n${body}`;
}

/** What kind of mistake an error of node's parser is; undefined when the connection itself broke. */
function reasonOf(error: NodeJS.ErrnoException): MalformedReason | undefined {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large';
  if (error.code === 'HPE_INVALID_METHOD') return 'method';
  return error.code?.startsWith('HPE_') ? 'syntax' : undefined;
}

class NodeRequest implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly peer: Peer;
  readonly #message: IncomingMessage;
  readonly #reply: ServerResponse;
  readonly #idleTimeout: number;
  #mustContinue: boolean;

  constructor(
    message: IncomingMessage,
    reply: ServerResponse,
    peer: Peer,
    expectsContinue: boolean,
    idleTimeout: number,
  ) {
    this.method = message.method ?? '';
    this.target = message.url ?? '';
    this.version = message.httpVersion === '1.0' ? '1.0' : '1.1';
    this.peer = peer;
    this.#message = message;
    this.#reply = reply;
    this.#idleTimeout = idleTimeout;
    this.#mustContinue = expectsContinue;
  }

  get headers(): Record<string, string> {
    const entries = Object.entries(this.#message.headers);
    return Object.fromEntries(
      entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
    );
  }

  get contentLength(): number | undefined {
    return announcedLength(this.#message);
  }

  /** False as long as a client that asked for it was not told to send its body. */
  get continued(): boolean {
    return !this.#mustContinue;
  }

  readBody(limit: number): Promise<Uint8Array> {
    if ((this.contentLength ?? 0) <= limit) this.#tellToContinue();
    return stalling(this.#message.socket, this.#idleTimeout, () => readBody(this.#message, limit));
  }

  saveBody(path: string, mode: number, admit?: (total: number) => Promise<boolean>) {
    this.#tellToContinue();
    return stalling(this.#message.socket, this.#idleTimeout, () => saveBody(this.#message, path, mode, admit));
  }

  #tellToContinue(): void {
    if (this.#mustContinue) this.#reply.writeContinue();
    this.#mustContinue = false;
  }
}
