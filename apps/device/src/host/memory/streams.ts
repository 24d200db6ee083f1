/** The port `Streams` on the simulated machine: a test sends, appends and notifies by calls. */
import { HostError, type Peer } from '../ports.ts';
import type { ByteSource, Listener, Streams, Take } from '../streams.ts';
import type { Inode } from './file-system.ts';
import type { Gate } from './gate.ts';
import type { Machine } from './machine.ts';

/** sun_path holds 108 bytes with the final zero (unix(7)). */
const longestSocketPath = 107;

/** What a test does from the other side. */
export interface MemoryStreams extends Streams {
  /**
   * Connects to a stream socket, says these pieces one by one, and hangs up. Resolves when all of it was taken or the device hung up.
   * Fails with ECONNREFUSED when nobody listens.
   */
  say(socketPath: string, peer: Peer, pieces: readonly Uint8Array[], passed?: ByteSource[]): Promise<void>;
  /** Sends one datagram and waits until it was taken. */
  send(socketPath: string, bytes: Uint8Array): Promise<void>;
  /** Tells those who follow a path, as seen from the machine's root, that something has happened there. */
  touch(path: string): void;
  /** What `records` hands out of a device, by path. */
  readonly devices: Map<string, Uint8Array[]>;
}

/** A source with these pieces and then its end. */
export function memorySource(pieces: readonly Uint8Array[]): ByteSource & { readonly closed: boolean } {
  let closed = false;
  return {
    get closed() {
      return closed;
    },
    start(take: Take, end: () => void) {
      void (async () => {
        for (const piece of pieces) if (!closed) await take(piece);
        if (!closed) end();
      })();
    },
    close() {
      closed = true;
    },
  };
}

type ListenRequest = Parameters<Streams['listen']>[0];

export function memoryStreams(machine: Machine, gate: Gate, gzip: (path: string) => Promise<void>): MemoryStreams {
  // A socket is found by its inode: it may have been renamed, or have several names.
  const listeners = new Map<Inode, ListenRequest>();
  const receivers = new Map<Inode, Take>();
  const followers = new Set<{ path: string; changed: () => void }>();
  const devices = new Map<string, Uint8Array[]>();

  function makeSocket<T>(path: string, mode: number, table: Map<Inode, T>, entry: T): Listener {
    if (path.length > longestSocketPath)
      throw new HostError('ENAMETOOLONG', 'listen on', path, `longer than ${longestSocketPath} bytes`);
    const place = machine.names.walk(path, 'listen on', false);
    const { fileSystem } = place.mount;
    const now = () => machine.timeline.wall();
    if (place.found !== undefined) fileSystem.remove(place.directory, place.name, now());
    const socket = fileSystem.make(place.directory, place.name, 'socket', mode, now());
    table.set(socket, entry);
    const close = () => {
      if (!table.delete(socket)) return;
      if (fileSystem.child(place.directory, place.name) === socket)
        fileSystem.remove(place.directory, place.name, now());
    };
    return { close: () => gate(close) };
  }

  const socketAt = (path: string) => machine.names.find(path, 'connect to').inode;

  function openFile(path: string) {
    const read = () => machine.names.find(path, 'read');
    try {
      const { mount, inode } = read();
      if (inode.kind !== 'file') return undefined;
      return {
        identity: `${mount.fileSystem.options.device}:${inode.id}`,
        size: async () => inode.content.length,
        read: async (offset: number, limit: number) => inode.content.slice(offset, offset + limit),
        truncate: () =>
          gate(() => mount.fileSystem.changeContent(inode, { kind: 'truncate', size: 0 }, machine.timeline.wall())),
        close: () => {},
      };
    } catch (error) {
      if (error instanceof HostError) return undefined;
      throw error;
    }
  }

  return {
    devices,
    listen: (request) => gate(() => makeSocket(request.socketPath, request.mode, listeners, request)),
    datagrams: ({ socketPath, mode, take }) => gate(() => makeSocket(socketPath, mode, receivers, take)),
    follow: ({ root, path, changed }) =>
      gate(() => {
        const follower = { path: `${root === '/' ? '' : root}${path}`, changed };
        followers.add(follower);
        return {
          open: () => gate(() => openFile(follower.path)),
          close: () => void followers.delete(follower),
        };
      }),
    records: (path) =>
      gate(() => {
        const pieces = devices.get(path);
        if (pieces === undefined) throw new HostError('ENOENT', 'open', path);
        return memorySource(pieces);
      }),
    gzip: (path) => gate(() => gzip(path)),
    say: async (socketPath, peer, pieces, passed = []) => {
      const listener = listeners.get(socketAt(socketPath));
      if (listener === undefined) throw new HostError('ECONNREFUSED', 'connect to', socketPath);
      let hungUp = false;
      const close = () => {
        hungUp = true;
      };
      const handler = listener.open(peer, { close });
      for (const [index, piece] of pieces.entries()) {
        if (hungUp) return;
        await handler.data(piece, index === 0 ? passed : []);
      }
      if (!hungUp) handler.end();
    },
    send: async (socketPath, bytes) => {
      const take = receivers.get(socketAt(socketPath));
      if (take === undefined) throw new HostError('ECONNREFUSED', 'send to', socketPath);
      await take(bytes);
    },
    touch: (path) => {
      for (const follower of [...followers]) if (follower.path === path) follower.changed();
    },
  };
}
