/** Unix sockets that messages come in by: streams over node:net, datagrams and passed descriptors over the kernel addon. */
import { closeSync, readSync } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { bindDatagrams, peerCredentials, receiveDescriptors, shutdownSocket, waitReadable } from '@pantavisor/linux';
import { HostError } from '../ports.ts';
import type { ByteSource, Listener, Streams, Take } from '../streams.ts';
import { guarded, hasCode } from './errors.ts';

/** sun_path holds 108 bytes with the final zero (unix(7)). */
const longestSocketPath = 107;
const chunk = 64 * 1024;
/** Connections that wait for others to end; beyond them the kernel's own queue is full as well. */
const mostWaiting = 1024;
/** Reads from one source before others have their turn. */
const readsAtOnce = 64;

async function clearPath(socketPath: string): Promise<void> {
  const bytes = Buffer.byteLength(socketPath);
  if (bytes > longestSocketPath) {
    const detail = `a socket path has at most ${longestSocketPath} bytes, this one has ${bytes}`;
    throw new HostError('ENAMETOOLONG', 'listen on', socketPath, detail);
  }
  // libuv would report a missing directory as EACCES.
  await stat(dirname(socketPath));
  await unlink(socketPath).catch((error) => {
    if (!hasCode(error, 'ENOENT')) throw error;
  });
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Reads a descriptor whenever there is something, until its end; it is this source's from now on. */
export class DescriptorSource implements ByteSource {
  readonly #descriptor: number;
  /** The next piece; undefined at the end. May throw EAGAIN. */
  readonly #read: () => Uint8Array | undefined;
  readonly #wake: (descriptor: number) => void;
  #open = true;

  constructor(
    descriptor: number,
    read: () => Uint8Array | undefined = () => readPiece(descriptor),
    wake: (descriptor: number) => void = () => {},
  ) {
    this.#descriptor = descriptor;
    this.#read = read;
    this.#wake = wake;
  }

  start(take: Take, end: () => void): void {
    void this.#run(take).then(() => {
      if (!this.#open) return;
      this.close();
      end();
    });
  }

  async #run(take: Take): Promise<void> {
    try {
      for (let count = 1; this.#open; count += 1) {
        const piece = await this.#next();
        if (piece === undefined || !this.#open) return;
        await take(piece);
        if (count % readsAtOnce === 0) await nextTurn();
      }
    } catch {
      // A descriptor that cannot be read any more has come to its end.
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    for (;;) {
      try {
        return this.#read();
      } catch (error) {
        // The kernel's log says EPIPE when records were overwritten before they were read; the next read goes on.
        if (hasCode(error, 'EPIPE', 'EINTR')) continue;
        if (!hasCode(error, 'EAGAIN')) throw error;
      }
      await waitReadable(this.#descriptor);
      if (!this.#open) return undefined;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#wake(this.#descriptor);
    closeSync(this.#descriptor);
  }
}

function readPiece(descriptor: number): Uint8Array | undefined {
  const buffer = Buffer.allocUnsafe(chunk);
  const count = readSync(descriptor, buffer);
  return count === 0 ? undefined : new Uint8Array(buffer.buffer, buffer.byteOffset, count);
}

type ListenRequest = Parameters<Streams['listen']>[0];

/** The port's `listen`. */
export async function listen(request: ListenRequest): Promise<Listener> {
  const { socketPath, mode } = request;
  return guarded('listen on', socketPath, async () => {
    await clearPath(socketPath);
    const door = new ConnectionDoor(request);
    // Read by ourselves: node:net would throw away what is passed along.
    const server = createServer({ pauseOnConnect: true }, (socket) => door.admit(socket));
    await bindServer(server, socketPath, mode);
    return {
      close: async () => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        door.closeAll();
        await closed;
      },
    };
  });
}

function bindServer(server: Server, path: string, mode: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The socket must never exist with more permissions than asked for; bind happens inside the call of listen.
    const before = process.umask(0o777 & ~mode);
    try {
      server.listen({ path, backlog: 128 }, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

/** The connections of one listener: so many are read, others wait with their bytes in the kernel. */
class ConnectionDoor {
  readonly #request: ListenRequest;
  readonly #served = new Map<Socket, () => void>();
  readonly #waiting: Socket[] = [];

  constructor(request: ListenRequest) {
    this.#request = request;
  }

  admit(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.#served.size < this.#request.connections) this.#serve(socket);
    else if (this.#waiting.length < mostWaiting) this.#waiting.push(socket);
    else socket.destroy();
  }

  closeAll(): void {
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    for (const hangUp of this.#served.values()) hangUp();
  }

  #serve(socket: Socket): void {
    // Node has no public way to the descriptor of a socket; the handle's `fd` has been there since its first versions.
    const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null };
    const descriptor = handle?.fd ?? -1;
    let closed = descriptor < 0;
    const hangUp = () => {
      if (closed) return;
      closed = true;
      // Wakes up whoever waits for it; closing alone would not.
      shutdownSocket(descriptor);
      socket.destroy();
      this.#served.delete(socket);
      const next = this.#waiting.shift();
      if (next !== undefined) this.#serve(next);
    };
    this.#served.set(socket, hangUp);
    try {
      const handler = this.#request.open(peerCredentials(descriptor), { close: hangUp });
      void pump(descriptor, handler, () => closed)
        .catch(() => {})
        .then(() => {
          if (closed) return;
          handler.end();
          hangUp();
        });
    } catch {
      hangUp();
    }
  }
}

async function pump(
  descriptor: number,
  handler: ReturnType<ListenRequest['open']>,
  isClosed: () => boolean,
): Promise<void> {
  for (let count = 1; !isClosed(); count += 1) {
    let received: ReturnType<typeof receiveDescriptors>;
    try {
      received = receiveDescriptors(descriptor, chunk);
    } catch (error) {
      if (!hasCode(error, 'EAGAIN')) return;
      await waitReadable(descriptor);
      continue;
    }
    const { bytes, descriptors } = received;
    if (bytes.length === 0 && descriptors.length === 0) return;
    await handler.data(
      bytes,
      descriptors.map((passed) => new DescriptorSource(passed)),
    );
    if (count % readsAtOnce === 0) await nextTurn();
  }
}

/** The port's `datagrams`. */
export async function datagrams(request: Parameters<Streams['datagrams']>[0]): Promise<Listener> {
  const { socketPath, mode, take } = request;
  return guarded('listen on', socketPath, async () => {
    await clearPath(socketPath);
    const descriptor = bindDatagrams(socketPath, mode);
    const read = () => receiveDatagram(descriptor);
    const source = new DescriptorSource(descriptor, read, shutdownSocket);
    source.start(take, () => {});
    return {
      close: async () => {
        source.close();
        await unlink(socketPath).catch(() => {});
      },
    };
  });
}

/** One message. What a sender passes along is nobody's and closed at once. */
function receiveDatagram(descriptor: number): Uint8Array {
  const { bytes, descriptors } = receiveDescriptors(descriptor, chunk);
  for (const passed of descriptors) closeSync(passed);
  return bytes;
}
