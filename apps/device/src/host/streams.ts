/** Doors for bytes that come whenever they come: messages to sockets, files that grow, the kernel's log. Nothing is ever polled. */
import type { Peer } from './ports.ts';

/** Taking bytes may last: nothing more is read from there until the promise resolves, so that who writes too fast waits. */
export type Take = (bytes: Uint8Array) => void | Promise<void>;

/** Something open that bytes come out of. */
export interface ByteSource {
  /** Begins to read; at most once. `end` is called once, after the last bytes, unless it was closed before. */
  start(take: Take, end: () => void): void;
  close(): void;
}

/** What the device does with one connection. */
export interface ConnectionHandler {
  /** Bytes, with what was passed along with them (SCM_RIGHTS); who takes a source has to close it. */
  data(bytes: Uint8Array, passed: ByteSource[]): void | Promise<void>;
  /** The other end has said all, or has gone. Called once, unless the device closed the connection before. */
  end(): void;
}

export interface Listener {
  /** Takes no more, drops what is connected, removes the socket file. */
  close(): Promise<void>;
}

/** A file that is open for reading. */
export interface FollowedFile {
  /** The same for the same file (device and inode), also under another name. */
  readonly identity: string;
  size(): Promise<number>;
  /** At most `limit` bytes from an offset; empty at the end. */
  read(offset: number, limit: number): Promise<Uint8Array>;
  /** Takes away everything in it. EROFS or EACCES when it cannot be written. */
  truncate(): Promise<void>;
  close(): void;
}

export interface Follower {
  /** The file that is at the path now; undefined when none is. A symbolic link never leads out of `root`. */
  open(): Promise<FollowedFile | undefined>;
  close(): void;
}

export interface Streams {
  /**
   * Listens on a unix stream socket, replacing what is at the path. Beyond `connections` at a time, others wait to be accepted.
   * Fails with ENAMETOOLONG when the path does not fit into a socket address.
   * @param request `open` gets each connection and says what to do with what comes; `close` of the connection hangs up
   */
  listen(request: {
    socketPath: string;
    mode: number;
    connections: number;
    open: (peer: Peer, connection: { close(): void }) => ConnectionHandler;
  }): Promise<Listener>;
  /** Receives on a unix datagram socket, replacing what is at the path. A sender waits while nothing is taken. */
  datagrams(request: { socketPath: string; mode: number; take: Take }): Promise<Listener>;
  /**
   * Watches a path, which need not exist yet. `changed` is called, at least once after the last change, when the file has grown, has
   * been cut, replaced or removed, or has appeared.
   * @param request `root`: directory that stands for `/`, e.g. `/proc/PID/root`
   */
  follow(request: { root: string; path: string; changed: () => void }): Promise<Follower>;
  /** Opens a device whose every read is one record, e.g. `/dev/kmsg` at its first record, or a line of a terminal. */
  records(path: string): Promise<ByteSource>;
  /** Replaces a file by `<path>.gz`, compressed (RFC 1952). */
  gzip(path: string): Promise<void>;
}
