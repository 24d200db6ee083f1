/** The port `Streams` on Node. */
import {
  closeSync,
  constants,
  createReadStream,
  createWriteStream,
  type FSWatcher,
  fstatSync,
  ftruncate,
  open as openFile,
  read,
  watch,
} from 'node:fs';
import { rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';
import { openInRoot } from '@pantavisor/linux';
import type { FollowedFile, Follower, Streams } from '../streams.ts';
import { guarded, hasCode } from './errors.ts';
import { DescriptorSource, datagrams, listen } from './unix-sockets.ts';

/** O_PATH, which node:fs does not name. */
const pathOnly = 0o10000000;
/** What says that there is nothing at a path, or nothing that can be followed. */
const absent = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO', 'ESRCH'] as const;

/** Creates the port. */
export function createStreams(): Streams {
  return {
    listen,
    datagrams,
    follow: async ({ root, path, changed }) => {
      const follower = new NodeFollower(root, path, changed);
      await follower.watch();
      return follower;
    },
    records: (path) =>
      guarded('open', path, async () => {
        const descriptor = await promisify(openFile)(
          path,
          constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
        );
        return new DescriptorSource(descriptor);
      }),
    gzip: (path) => guarded('compress', path, () => compress(path)),
  };
}

async function compress(path: string): Promise<void> {
  const { mode } = await stat(path);
  // Appears under its name only when it is complete.
  const draft = `${path}.part`;
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(draft, { mode: mode & 0o777 }));
  } catch (error) {
    await unlink(draft).catch(() => {});
    throw error;
  }
  await rename(draft, `${path}.gz`);
  await unlink(path);
}

/**
 * Watches the directory of the file, or as long as that is not there, the nearest one above it; and the file itself once it was
 * opened, since a symbolic link may lead to another directory.
 */
class NodeFollower implements Follower {
  readonly #root: string;
  readonly #path: string;
  readonly #changed: () => void;
  #directory: { path: string; watcher: FSWatcher } | undefined;
  #file: { identity: string; watcher: FSWatcher } | undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(root: string, path: string, changed: () => void) {
    this.#root = root;
    this.#path = path;
    this.#changed = changed;
  }

  async open(): Promise<FollowedFile | undefined> {
    // Watched first: what appears between the look and the watch would be missed.
    await this.watch();
    if (this.#closed) return undefined;
    const descriptor = await this.#tryOpen(this.#path, constants.O_RDONLY);
    if (descriptor === undefined) return undefined;
    const status = fstatSync(descriptor);
    if (this.#closed || !status.isFile()) {
      closeSync(descriptor);
      return undefined;
    }
    const identity = identityOf(status);
    this.#watchFile(descriptor, identity);
    return new NodeFollowedFile(descriptor, identity, () => this.#truncate(identity));
  }

  close(): void {
    this.#closed = true;
    this.#directory?.watcher.close();
    this.#file?.watcher.close();
  }

  #truncate(identity: string): Promise<void> {
    return guarded('truncate', this.#path, async () => {
      const descriptor = await openInRoot(this.#root, this.#path, constants.O_WRONLY);
      try {
        if (identityOf(fstatSync(descriptor)) === identity) await promisify(ftruncate)(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  async #tryOpen(path: string, flags: number): Promise<number | undefined> {
    try {
      return await openInRoot(this.#root, path, flags);
    } catch (error) {
      if (hasCode(error, ...absent)) return undefined;
      throw error;
    }
  }

  /** Watches the directory that is there now. One look at a time: two would both watch it. */
  watch(): Promise<void> {
    this.#looking = this.#looking.catch(() => undefined).then(() => this.#watchDirectory());
    return this.#looking;
  }

  async #watchDirectory(): Promise<void> {
    for (let path = dirname(this.#path); !this.#closed; path = dirname(path)) {
      if (this.#directory?.path === path) return;
      const descriptor = await this.#tryOpen(path, pathOnly | constants.O_DIRECTORY);
      const watcher = this.#watch(descriptor);
      if (watcher !== undefined && this.#closed) return watcher.close();
      if (watcher !== undefined) {
        this.#directory?.watcher.close();
        this.#directory = { path, watcher };
        return;
      }
      if (path === '/') return;
    }
  }

  #watchFile(descriptor: number, identity: string): void {
    if (this.#file?.identity === identity) return;
    this.#file?.watcher.close();
    this.#file = undefined;
    const watcher = this.#watch(descriptor, false);
    if (watcher !== undefined) this.#file = { identity, watcher };
  }

  /** inotify through the descriptor, so that the path is not looked up again, with the links of another root. */
  #watch(descriptor: number | undefined, owned = true): FSWatcher | undefined {
    if (descriptor === undefined) return undefined;
    try {
      const watcher = watch(`/proc/self/fd/${descriptor}`, { persistent: false }, () => this.#changed());
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return undefined;
    } finally {
      if (owned) closeSync(descriptor);
    }
  }
}

const identityOf = ({ dev, ino }: { dev: number; ino: number }) => `${dev}:${ino}`;
const readFrom = promisify(read);

/** An open file of a container; closed when the last read of it has ended. */
class NodeFollowedFile implements FollowedFile {
  readonly identity: string;
  readonly truncate: () => Promise<void>;
  readonly #descriptor: number;
  #reads = 0;
  #closed = false;

  constructor(descriptor: number, identity: string, truncate: () => Promise<void>) {
    this.#descriptor = descriptor;
    this.identity = identity;
    this.truncate = truncate;
  }

  async size(): Promise<number> {
    return this.#closed ? 0 : fstatSync(this.#descriptor).size;
  }

  async read(offset: number, limit: number): Promise<Uint8Array> {
    if (this.#closed) return new Uint8Array();
    this.#reads += 1;
    try {
      const { bytesRead, buffer } = await readFrom(this.#descriptor, Buffer.allocUnsafe(limit), 0, limit, offset);
      return new Uint8Array(buffer.buffer, buffer.byteOffset, bytesRead);
    } finally {
      this.#reads -= 1;
      if (this.#closed && this.#reads === 0) closeSync(this.#descriptor);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#reads === 0) closeSync(this.#descriptor);
  }
}
