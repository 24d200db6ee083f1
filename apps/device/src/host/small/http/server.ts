/** The port `Http` over system calls: a listening unix socket and its connections. */
import { bufferOffset, Channel, type Kernel, type Loop, ready } from '@pantavisor/small-host';
import { HostError, type Http, type HttpServer, type Peer } from '../../ports.ts';
import { attempt, channelFailure } from '../failure.ts';
import { Connection, type Serve } from './connection.ts';

/** sun_path holds 108 bytes with the final zero (unix(7)). */
const longestSocketPath = 107;
const family = { unix: 1 } as const;
const stream = 1;
const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;
const socketLevel = 1;
const peerCredentials = 17;
/** Milliseconds that requests in progress get when the server closes. */
const closeGrace = 1000;
/** Connections accepted in one turn, so that a flood does not starve those that are served. */
const acceptedAtOnce = 16;

/** Creates the port. */
export function createHttp(kernel: Kernel, loop: Loop): Http {
  return {
    async serve(request) {
      const server = new UnixHttpServer(kernel, loop, request);
      attempt('listen on', request.socketPath, () => server.listen());
      return server;
    },
  };
}

class UnixHttpServer implements HttpServer {
  readonly #kernel: Kernel;
  readonly #loop: Loop;
  readonly #serve: Serve;
  readonly #connections = new Set<Connection>();
  #listener = -1;
  #onEmpty: (() => void) | undefined;

  constructor(kernel: Kernel, loop: Loop, serve: Serve) {
    this.#kernel = kernel;
    this.#loop = loop;
    this.#serve = serve;
  }

  listen(): void {
    const { socketPath, mode, limits } = this.#serve;
    const path = this.#kernel.encode(socketPath);
    if (path.length > longestSocketPath) {
      const detail = `a socket path has at most ${longestSocketPath} bytes, this one has ${path.length}`;
      throw new HostError('ENAMETOOLONG', 'listen on', socketPath, detail);
    }
    this.#kernel.putPath(socketPath);
    this.#kernel.raw('unlinkat', 0b10, -100, 0, 0);
    const listener = this.#kernel.call('socket', 0, [family.unix, stream | closeOnExec | nonBlocking, 0]);
    try {
      this.#kernel.bytes.fill(0, bufferOffset, bufferOffset + 110);
      this.#kernel.view.setUint16(bufferOffset, family.unix, true);
      this.#kernel.bytes.set(path, bufferOffset + 2);
      // The socket must never exist with more permissions than asked for.
      const before = this.#kernel.call('umask', 0, [0o777 & ~mode]);
      try {
        this.#kernel.call('bind', 0b010, [listener, bufferOffset, 3 + path.length], socketPath);
      } finally {
        this.#kernel.call('umask', 0, [before]);
      }
      this.#kernel.call('listen', 0, [listener, Math.max(limits.connections, 128)], socketPath);
    } catch (error) {
      this.#kernel.close(listener);
      throw error;
    }
    this.#listener = listener;
    this.#loop.watch(listener, ready.read, () => this.#acceptAll());
  }

  /** Takes no new connections, closes the idle ones, and gives requests in progress a moment. */
  async close(): Promise<void> {
    if (this.#listener < 0) return;
    this.#loop.unwatch(this.#listener);
    this.#kernel.close(this.#listener);
    this.#listener = -1;
    this.#kernel.putPath(this.#serve.socketPath);
    this.#kernel.raw('unlinkat', 0b10, -100, 0, 0);
    for (const connection of this.#connections) connection.finish();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#loop.after(closeGrace, () => {
        for (const connection of this.#connections) connection.destroy();
      });
      this.#onEmpty = () => {
        cancel();
        resolve();
      };
    });
  }

  #acceptAll(): void {
    for (let count = 0; count < acceptedAtOnce; count += 1) {
      const descriptor = this.#kernel.raw('accept4', 0, this.#listener, 0, 0, closeOnExec | nonBlocking);
      if (descriptor < 0) return;
      const peer = this.#identify(descriptor);
      if (!peer || (this.#connections.size >= this.#serve.limits.connections && !this.#evict())) {
        this.#kernel.close(descriptor);
        continue;
      }
      const connection = new Connection(
        this.#kernel,
        new Channel(this.#kernel, this.#loop, descriptor, channelFailure),
        this.#serve,
        peer,
      );
      this.#connections.add(connection);
      connection.run().finally(() => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#onEmpty?.();
      });
    }
  }

  #identify(descriptor: number): Peer | undefined {
    const { view } = this.#kernel;
    view.setUint32(bufferOffset + 16, 12, true);
    const result = this.#kernel.raw(
      'getsockopt',
      0b11000,
      descriptor,
      socketLevel,
      peerCredentials,
      bufferOffset,
      bufferOffset + 16,
    );
    if (result < 0) return undefined;
    return {
      pid: view.getInt32(bufferOffset, true),
      uid: view.getUint32(bufferOffset + 4, true),
      gid: view.getUint32(bufferOffset + 8, true),
    };
  }

  /** Makes room at the limit: the oldest waiting connection of the process that has most goes. False when all are busy. */
  #evict(): boolean {
    const waiting = new Map<number, Connection[]>();
    for (const connection of this.#connections) {
      if (connection.busy) continue;
      const list = waiting.get(connection.peer.pid);
      if (list) list.push(connection);
      else waiting.set(connection.peer.pid, [connection]);
    }
    const [victim] = [...waiting.values()].reduce((most, list) => (list.length > most.length ? list : most), []);
    if (!victim) return false;
    this.#connections.delete(victim);
    victim.destroy();
    return true;
  }
}
