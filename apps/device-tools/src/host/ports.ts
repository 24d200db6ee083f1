/** The doors between the tools and the machine, so that the same tools run on Node and in the small host's executable. Plain data in and out. */
import type { Environment, Output } from '@pantavisor/cli/output';
import type { Connection, Transport } from '@pantavisor/ctrl-api/portable';

/** Failures are Errors whose message is a short reason, e.g. `ENOENT`. */
export interface ToolFiles {
  exists(path: string): boolean;
  /** Whole content as UTF-8. */
  readText(path: string): Promise<string>;
  /** Size in bytes, and the content in pieces, to be read once. @param from where it begins, in bytes */
  open(path: string, from?: number): Promise<{ size: number; pieces: AsyncIterable<Uint8Array> }>;
  /** Creates or truncates. Not durable before `sync` of the sink and a `rename`. */
  create(path: string): Promise<ToolSink>;
  /** Creates or replaces a file as a whole: once this resolves, the content survives a loss of power, and before, the former one does. Default mode 0644. */
  replace(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** With its parents; one that is there is left as it is. Default mode 0755. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  /** Names in a directory, sorted. */
  list(path: string): Promise<string[]>;
  /** With everything below; nothing there is fine. */
  remove(path: string): Promise<void>;
  /** Durable once it resolves. */
  rename(from: string, to: string): Promise<void>;
  /** A hard link; another file system gets a copy. */
  link(existing: string, path: string): Promise<void>;
  /** Makes everything on the file system that holds a path durable. */
  syncFileSystem(path: string): Promise<void>;
  /** Writes to something that is there, e.g. a file of the kernel, in one piece. */
  overwrite(path: string, text: string): void;
}

export interface ToolSink {
  write(bytes: Uint8Array): Promise<void>;
  /** Makes what was written durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface ToolHost {
  readonly pid: number;
  readonly isRoot: boolean;
  readonly environment: Environment;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly files: ToolFiles;
  readonly transport: Transport;
  /** Standard input in pieces. */
  stdin(): AsyncIterable<Uint8Array>;
  /** A SHA-256 that is going on; `hex` ends it, 64 digits. */
  sha256(): { update(bytes: Uint8Array): void; hex(): string };
  /** Unpacks gzip (RFC 1952) on the way. Fails with an Error when it is none, or not whole. */
  gunzip(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** Resolves after so many milliseconds. */
  pause(milliseconds: number): Promise<void>;
  /**
   * Runs a program on the streams of this process and gives its exit code, 128 and the number of the signal that ended it. Keys of the
   * terminal that interrupt are meant for the program alone. @throws Error when it cannot be started
   */
  run(argv: readonly string[], environment: Environment): Promise<number>;
}

/** What a server needs besides. */
export interface ServerHost extends ToolHost {
  /** A text that nobody can guess, another one each time. */
  secret(): string;
  /**
   * Takes TCP connections.
   * @param address IPv4 address @param port 0 for any that is free
   * @param idle milliseconds without a byte in either direction, after which a connection fails with ETIMEDOUT
   * @returns the port @throws Error whose message is a short reason
   */
  listen(address: string, port: number, idle: number, onConnection: (connection: Connection) => void): Promise<number>;
}
