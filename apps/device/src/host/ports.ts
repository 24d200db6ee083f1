/**
 * The doors between the device and the machine. Everything the runtime does to the outside goes through one of these
 * interfaces, so that the same code runs on Node, on the small static host, and on a simulated machine.
 *
 * Rules: plain data in and out, no runtime types; paths are absolute; times in milliseconds; sizes in bytes; failures are
 * `HostError`s. Whatever is slow byte by byte (hashing, copying, streaming bodies to files) is done behind the door.
 */

import type { SignatureCrypto } from '@pantavisor/state';
import type { HttpClient } from './http-client.ts';
import type { InitProcess } from './init-process.ts';
import type { Streams } from './streams.ts';
import type { Watchdogs } from './watchdog.ts';

/** A refusal of the machine: what was tried, on what, and the kernel's name of the reason (`ENOENT`, `EBUSY`, …). */
export class HostError extends Error {
  override name = 'HostError';
  readonly code: string;
  readonly operation: string;
  readonly path: string | undefined;
  constructor(code: string, operation: string, path?: string, detail?: string, options?: { cause?: unknown }) {
    super(`cannot ${operation}${path === undefined ? '' : ` ${path}`}: ${detail ?? code}`, options);
    this.code = code;
    this.operation = operation;
    this.path = path;
  }
}

export type FileKind = 'file' | 'directory' | 'symlink' | 'socket' | 'block' | 'character' | 'fifo';

export interface FileStatus {
  kind: FileKind;
  size: number;
  /** Permission bits only. */
  mode: number;
  inode: number;
  device: number;
  links: number;
  /** Unix time in milliseconds. */
  modified: number;
  uid: number;
  gid: number;
}

/**
 * Files, in single steps. Nothing is durable until `sync` of the file *and* `syncDirectory` of every directory whose entries
 * changed; `storage/durable.ts` composes the safe patterns. The in-memory implementation forgets whatever was not synced.
 */
export interface Files {
  /** Whole content. Fails with EFBIG when the file is larger than `limit`. */
  read(path: string, limit?: number): Promise<Uint8Array>;
  /** Content as text (UTF-8, malformed bytes replaced). */
  readText(path: string, limit?: number): Promise<string>;
  /** Creates or truncates. `mode` (default 0644) counts for a new file and is not subject to the umask. `exclusive` fails with EEXIST. */
  write(path: string, data: string | Uint8Array, options?: { mode?: number; exclusive?: boolean }): Promise<void>;
  /** Writes from `offset` on without truncating (boot environments). */
  overwrite(path: string, data: Uint8Array, offset: number): Promise<void>;
  append(path: string, data: string | Uint8Array, options?: { mode?: number }): Promise<void>;
  /** Makes the content of a file durable. */
  sync(path: string): Promise<void>;
  /** Makes the entries of a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Makes everything on the file system that holds a path durable, in its place and not only in a journal: also a boot loader, which does
   * not play a journal back, finds it then. Takes a moment in which others wait for the file system.
   */
  syncFileSystem(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  link(existing: string, path: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  readLink(path: string): Promise<string>;
  /** Path with every symbolic link resolved. */
  realPath(path: string): Promise<string>;
  unlink(path: string): Promise<void>;
  /** One directory; EEXIST if it is there. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  /** An empty directory. */
  removeDirectory(path: string): Promise<void>;
  changeMode(path: string, mode: number): Promise<void>;
  /** Undefined when nothing is there. Does not follow a symbolic link unless `follow`. */
  status(path: string, options?: { follow?: boolean }): Promise<FileStatus | undefined>;
  /** Entries without `.` and `..`, sorted by name (code units). */
  list(path: string): Promise<{ name: string; kind: FileKind }[]>;
  /** Content copy; creates or truncates the target with this mode. */
  copy(from: string, to: string, mode: number): Promise<void>;
  /** SHA-256 of the content, 64 lower-case hex digits. */
  digest(path: string): Promise<string>;
  /** Space of the file system that holds the path (statfs: `free` is bfree, `available` bavail). */
  space(path: string): Promise<{ total: number; free: number; available: number; type: string }>;
  /** Exclusive advisory lock held until released or the process ends; the file then holds the pid. Taken: EWOULDBLOCK, detail names the holder. */
  lock(path: string): Promise<{ release(): Promise<void> }>;
}

export interface MountEntry {
  source: string;
  target: string;
  type: string;
  /** Device number `major:minor` of the file system, as in mountinfo. */
  device: string;
}

export type MountFlag =
  | 'readonly'
  | 'nosuid'
  | 'nodev'
  | 'noexec'
  | 'noatime'
  | 'nodiratime'
  | 'relatime'
  | 'strictatime'
  | 'lazytime'
  | 'synchronous'
  | 'dirsync'
  | 'mandlock'
  | 'silent'
  | 'bind'
  | 'recursive'
  | 'remount'
  | 'private'
  | 'shared'
  | 'slave';

export interface Mounts {
  mount(request: { source: string; target: string; type?: string; flags?: MountFlag[]; data?: string }): Promise<void>;
  /** Mounts a file system image over a loop device that the kernel frees with the mount. */
  mountImage(request: { image: string; target: string; filesystem: string; readOnly: boolean }): Promise<void>;
  /**
   * Mounts a directory or file of another process's mount namespace here, with everything mounted below it.
   * @param request `source` as that process sees it
   */
  mountFrom(request: { pid: number; source: string; target: string }): Promise<void>;
  /** `detach` takes it out of sight at once and frees it when unused. EINVAL when it is no mount point. */
  unmount(target: string, options?: { detach?: boolean }): Promise<void>;
  /** The mount table of the runtime's namespace, oldest first. */
  list(): Promise<MountEntry[]>;
}

/** A running container: the pid of its init, and of the monitor that LXC keeps for it. */
export interface RunningContainer {
  name: string;
  /** 0 when init has already ended by the time the start is reported; `exited` tells how. */
  initPid: number;
  monitorPid: number;
}

export interface ContainerExit {
  kind: 'code' | 'signal' | 'unknown';
  code?: number;
  signal?: string;
}

/** LXC. One monitor process per container outlives the runtime; `find` gets it back. */
export interface ContainerRuntime {
  /**
   * Static program that a container's init is started through: `<program> <container=> <init> [arguments]`, words as `encodeWords`
   * writes them. Without one, init's arguments cannot have blanks, and the variable `container` is LXC's.
   */
  readonly initProgram?: string;
  /**
   * Starts a container in the background and resolves when its init runs.
   * Fails with code `LXC` and the last error lines of LXC's own log as detail.
   */
  start(request: {
    name: string;
    lxcPath: string;
    configFile: string;
    logFile: string;
    logLevel: string;
    environment: Record<string, string>;
  }): Promise<RunningContainer>;
  /** The container if it runs (after a restart of the runtime), checked by monitor, path and name. */
  find(name: string, lxcPath: string): Promise<RunningContainer | undefined>;
  /** Resolves once when init has ended and the monitor has gone. Works for found containers too. */
  exited(container: RunningContainer): Promise<ContainerExit>;
  /** Signal to init through a pidfd; a container that has ended is not an error. */
  signal(container: RunningContainer, signal: string): Promise<void>;
  /** The halt signal init expects: SIGRTMIN+3 when it blocks that signal as systemd does, else SIGPWR. */
  haltSignal(container: RunningContainer): Promise<string>;
  /** SIGKILL to every process of the container. */
  kill(container: RunningContainer): Promise<void>;
  /**
   * Removes a control group and everything below it from every hierarchy, as far as no process is left in them; nothing there is fine.
   * @param group path below the root of the hierarchies, e.g. `pantavisor-3f9a/lxc.payload.web`
   */
  removeControlGroups(group: string): Promise<void>;
  /** Memory in use of a running container, when the kernel can tell. */
  memory(container: RunningContainer): Promise<number | undefined>;
}

export interface ProcessResult {
  code: number | undefined;
  signal: string | undefined;
  stdout: string;
  stderr: string;
  timedOut: boolean;
}

export interface SpawnedProcess {
  pid: number;
  exited: Promise<{ code: number | undefined; signal: string | undefined }>;
  signal(signal: string): void;
}

export interface Processes {
  /**
   * Runs a program to its end; no shell. After `timeout` it is killed with all it started. The first 64 KiB of each stream are kept.
   * `environment` is added to the runtime's own.
   */
  run(
    argv: string[],
    options?: { environment?: Record<string, string>; directory?: string; input?: string; timeout?: number },
  ): Promise<ProcessResult>;
  /** Starts a program that stays; each line it prints goes to `onLine`. `program` is what runs when the first argument is another name. */
  spawn(
    argv: string[],
    options?: {
      program?: string;
      environment?: Record<string, string>;
      directory?: string;
      onLine?: (stream: 'stdout' | 'stderr', line: string) => void;
    },
  ): Promise<SpawnedProcess>;
  isAlive(pid: number): boolean;
}

/** Identity of the process at the other end of a connection, as the kernel saw it when it connected (SO_PEERCRED). */
export interface Peer {
  pid: number;
  uid: number;
  gid: number;
}

export interface HttpRequest {
  method: string;
  /** Raw request target, not decoded, query string included. */
  target: string;
  version: '1.0' | '1.1';
  /** Lower-case names; repeated headers joined by a comma. */
  headers: Record<string, string>;
  peer: Peer;
  /** Announced length; undefined when chunked or absent. */
  contentLength: number | undefined;
  /** Whole body as bytes; rejects with HostError EFBIG as soon as more than `limit` is certain. */
  readBody(limit: number): Promise<Uint8Array>;
  /**
   * Streams the body into a file and returns its size and SHA-256; the file is not yet durable. `admit` is asked before each piece with the
   * total so far and may refuse (EFBIG). On any failure the file is removed.
   */
  saveBody(
    path: string,
    mode: number,
    admit?: (total: number) => Promise<boolean>,
  ): Promise<{ size: number; sha256: string }>;
}

export interface HttpResponse {
  status: number;
  reason?: string;
  headers?: Record<string, string>;
  /** Text, bytes, or a file that is streamed. Absent: `Content-Length: 0`. */
  body?: string | Uint8Array | { file: string };
}

export interface HttpServer {
  close(): Promise<void>;
}

export interface Http {
  /**
   * Serves HTTP/1.0 and 1.1 on a unix socket, replacing what is at the path. The unread rest of a request body is drained, so a refused
   * upload still gets its one answer. A handler result of `undefined` closes the connection without an answer.
   * A malformed request is answered by `malformed`. Fails with ENAMETOOLONG when the path does not fit into a socket address.
   */
  serve(request: {
    socketPath: string;
    mode: number;
    handler: (request: HttpRequest) => Promise<HttpResponse | undefined>;
    malformed: (reason: 'syntax' | 'method' | 'headers-too-large' | 'timeout') => HttpResponse;
    limits: { headerBytes: number; headerTimeout: number; idleTimeout: number; connections: number };
  }): Promise<HttpServer>;
}

export interface Clock {
  /** Milliseconds that only grow, also over changes of the wall clock. */
  monotonic(): number;
  /** Unix time in milliseconds. */
  wall(): number;
  /** Calls back once after `ms`; the result cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export interface Hashing {
  sha256(data: string | Uint8Array): string;
}

export interface TextCoding {
  encode(text: string): Uint8Array;
  decode(bytes: Uint8Array): string;
}

/** Public-key cryptography for the signatures of states. */
export interface Signatures {
  /**
   * @param directory of what the device trusts: its public key `pub.pem`, and bundles of certificates `<store>.crt` (signatures.md §6).
   * Files are read when they are needed; one that is missing trusts nobody.
   */
  trust(directory: string): SignatureCrypto;
}

/** Network interfaces of the runtime's namespace (network.md §1). */
export interface Network {
  /** Creates the bridge if it is not there; true when it was made now. */
  ensureBridge(name: string): Promise<boolean>;
  setAddress(name: string, address: string, prefixLength: number): Promise<void>;
  setUp(name: string): Promise<void>;
  removeBridge(name: string): Promise<void>;
}

export type ProcessSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';

/** The runtime's own process and the machine it runs on. */
export interface System {
  /** What runs the device, for people: `Node v26.10.0, x64` or `small, arm64`. */
  readonly hostName?: string;
  readonly pid: number;
  readonly environment: Record<string, string>;
  readonly arguments: string[];
  /** How the service mesh is started that belongs to this program; a host without one may find it on the disk. */
  readonly mesh?: { program?: string; argv: string[] };
  /** `uname`: kernel release and machine. */
  readonly kernelRelease: string;
  readonly machine: string;
  onSignal(signal: ProcessSignal, callback: () => void): void;
  /** Lines for the person who started the program. */
  print(stream: 'stdout' | 'stderr', text: string): void;
  /** Becomes the parent of orphans so that container monitors of this runtime are reaped. */
  becomeSubreaper(): void;
  /** Ends the process; as PID 1 never returns. */
  exit(code: number): never;
  /** Writes all file systems and restarts or switches off the machine. */
  power(action: 'reboot' | 'poweroff'): Promise<void>;
  randomHex(bytes: number): string;
}

/** Every door. A room takes only those it needs. */
export interface Host {
  files: Files;
  mounts: Mounts;
  containers: ContainerRuntime;
  processes: Processes;
  http: Http;
  /** Absent on a host that cannot call out: such a device never meets a Hub. */
  httpClient?: HttpClient;
  clock: Clock;
  hashing: Hashing;
  text: TextCoding;
  /** Absent on a host without public-key cryptography: no signature is valid there. */
  signatures?: Signatures;
  network: Network;
  streams: Streams;
  watchdogs: Watchdogs;
  system: System;
  /** PID 1, when it is ours and has started this runtime. */
  init?: InitProcess;
}
