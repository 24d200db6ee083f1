/** The transport of Node. On node:net because loading node:http takes longer than everything else that a command-line tool does. */
import { connect, type Socket } from 'node:net';
import { type Connection, connectPauses, type Transport, TransportFailure } from './transport.ts';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** See `Transport`. */
export const nodeTransport: Transport = {
  async connect(path, idle) {
    for (const pause of connectPauses) {
      try {
        return new NodeConnection(await open(path), idle);
      } catch (error) {
        if (!(error instanceof TransportFailure) || error.code !== 'EAGAIN') throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    return new NodeConnection(await open(path), idle);
  },
  encode: (text) => encoder.encode(text),
  decode: (bytes) => decoder.decode(bytes),
};

/** A connected socket as the port has it. @param idle see `Transport.connect` */
export const connectionOver = (socket: Socket, idle: number): Connection => new NodeConnection(socket, idle);

const failureOf = (cause: NodeJS.ErrnoException): TransportFailure =>
  cause instanceof TransportFailure
    ? cause
    : new TransportFailure(cause.code ?? 'EIO', cause.code ?? cause.message, { cause });

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, noDelay: true });
    const fail = (cause: NodeJS.ErrnoException) => reject(failureOf(cause));
    socket.once('error', fail).once('connect', () => {
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

class NodeConnection implements Connection {
  readonly #socket: Socket;
  readonly #source: AsyncIterator<Uint8Array>;
  #failure: TransportFailure | undefined;

  constructor(socket: Socket, idle: number) {
    this.#socket = socket;
    this.#source = socket[Symbol.asyncIterator]();
    socket.on('error', (cause) => {
      this.#failure ??= failureOf(cause);
    });
    socket.setTimeout(idle, () => socket.destroy(new TransportFailure('ETIMEDOUT', `nothing came for ${idle} ms`)));
  }

  async read(): Promise<Uint8Array | undefined> {
    try {
      const next = await this.#source.next();
      return next.done ? undefined : next.value;
    } catch (cause) {
      throw cause instanceof Error ? failureOf(cause) : cause;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    const socket = this.#socket;
    if (!socket.destroyed && !socket.write(bytes))
      await new Promise<void>((resolve) => {
        const done = () => {
          socket.off('drain', done).off('close', done);
          resolve();
        };
        socket.on('drain', done).on('close', done);
      });
    if (socket.destroyed) throw this.#failure ?? new TransportFailure('EPIPE', 'the connection is closed');
  }

  close(): void {
    this.#socket.destroy();
  }
}
