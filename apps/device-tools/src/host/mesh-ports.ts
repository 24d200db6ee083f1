/**
 * The doors between the service mesh and the machine. Descriptors are plain numbers. Nothing here waits: what is not ready says so, and `watch`
 * tells when it is. Failures are Errors with a `code`, the kernel's name of the reason (`ENOENT`, …).
 */

/** What came over a socket at once. */
export interface Received {
  /** Empty at the end of the stream. */
  bytes: Uint8Array;
  /** Descriptors that came with the first of the bytes (SCM_RIGHTS); to be closed, or sent on and then closed. */
  descriptors: readonly number[];
  /** The kernel had to drop descriptors, for want of room. */
  truncated: boolean;
}

export interface Interest {
  read: boolean;
  write: boolean;
}

export interface MeshSockets {
  /** Connects to the socket at a path of the host. */
  connectPath(path: string): number;
  /**
   * Connects to the socket that an open descriptor (`openIn`) stands for; the kernel tells its server that this user connects.
   * The process ends when it cannot be root again afterwards.
   */
  connect(descriptor: number, uid: number): number;
  /** The next connection of a listener; undefined while there is none. */
  accept(listener: number): number | undefined;
  /** What is there now; undefined when nothing is. Without `descriptors` those that come along are dropped by the kernel. */
  receive(socket: number, descriptors: boolean): Received | undefined;
  /** Sends from the first byte on, the descriptors with it. @returns bytes that were taken; 0 when none can be now */
  send(socket: number, bytes: Uint8Array, descriptors: readonly number[]): number;
  /** Tells the other end that nothing more comes. */
  finish(socket: number): void;
  /** Calls back as often as one of what is asked for holds; replaces what was asked before. Asking for nothing ends it. */
  watch(descriptor: number, interest: Interest, ready: (is: Interest) => void): void;
  /** Closes a descriptor of any kind, and ends its `watch`. */
  close(descriptor: number): void;
}

export interface NodeStatus {
  kind: 'socket' | 'device' | 'directory' | 'other';
  /** What tells it from all others on the machine: file system and inode. */
  identity: string;
}

/** Files as a process with another root sees them. `directory` is a descriptor of `openIn`; names have no slash. */
export interface MeshFiles {
  /** The root directory of a process. */
  openRoot(pid: number): number;
  /** Finds a path below a root, without opening what is there; symbolic links and `..` cannot lead out of it. */
  openIn(root: number, path: string, kind: 'directory' | 'any'): number;
  /** First bytes of a regular file below a root, as text. */
  readIn(root: number, path: string, limit: number): string;
  status(descriptor: number): NodeStatus;
  makeDirectory(directory: number, name: string, mode: number): void;
  /** Makes a listening socket with exactly this mode; it does not wait in `accept`. */
  listen(directory: number, name: string, mode: number): number;
  /** Makes a device node like the one that a descriptor stands for: same device, owner and mode. */
  copyDevice(device: number, directory: number, name: string): void;
  rename(directory: number, from: string, to: string): void;
  remove(directory: number, name: string): void;
}

export interface MeshHost {
  readonly pid: number;
  readonly arguments: readonly string[];
  readonly sockets: MeshSockets;
  readonly files: MeshFiles;
  print(stream: 'stdout' | 'stderr', text: string): void;
  /** Milliseconds that only grow. */
  now(): number;
  /** Calls back once; the result cancels it. */
  after(milliseconds: number, callback: () => void): () => void;
  onSignal(signal: 'SIGTERM' | 'SIGWINCH', callback: () => void): void;
  /** When a process was started, in the kernel's ticks; undefined when there is none. */
  startOf(pid: number): number | undefined;
  /** Calls back when a process has ended, at once when there is none; the result cancels it. */
  whenEnded(pid: number, callback: () => void): () => void;
  encode(text: string): Uint8Array;
  decode(bytes: Uint8Array): string;
  exit(code: number): never;
}

/** The kernel's name of the reason of a failure, or what it says of itself. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}
