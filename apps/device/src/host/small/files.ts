/** Files over system calls. Each step is one call or a short run of calls that do not wait for other parties. */
import { atCurrentDirectory, bufferOffset, bufferSize, type Kernel, openFlags } from '@pantavisor/small-host';
import { type FileKind, type FileStatus, type Files, HostError } from '../ports.ts';
import { readDirectory } from './directory.ts';
import { attempt } from './failure.ts';
import { lockFile } from './lock.ts';
import { fileSystemSpace } from './space.ts';
import { syncFileSystem } from './sync-file-system.ts';

/** Offsets in struct statx (linux/stat.h), the same on every architecture. */
const statx = {
  mask: 0x7ff,
  nlink: 16,
  uid: 20,
  gid: 24,
  mode: 28,
  inode: 32,
  size: 40,
  modified: 112,
  deviceMajor: 136,
  deviceMinor: 140,
} as const;

const kinds: Record<number, FileKind> = {
  1: 'fifo',
  2: 'character',
  4: 'directory',
  6: 'block',
  8: 'file',
  10: 'symlink',
  12: 'socket',
};

const noFollow = 0x100;
/** Second path of calls that take two. */
const secondPath = 8192;

/** Creates the port. */
export function createFiles(kernel: Kernel): Files {
  const files = new SmallFiles(kernel);
  // Rooms may hand the steps on one by one: each must work on its own.
  const names = Object.getOwnPropertyNames(SmallFiles.prototype).filter(
    (name) => name !== 'constructor',
  ) as (keyof Files)[];
  return Object.fromEntries(names.map((name) => [name, files[name].bind(files)])) as unknown as Files;
}

class SmallFiles implements Files {
  readonly #kernel: Kernel;
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  async read(path: string, limit = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    return attempt('read', path, () =>
      this.#withOpen(path, openFlags.readOnly, 0, (descriptor) => {
        const pieces: Uint8Array[] = [];
        let total = 0;
        for (;;) {
          const count = this.#kernel.read(descriptor);
          if (count === 0) break;
          total += count;
          if (total > limit) throw new HostError('EFBIG', 'read', path, `it is larger than ${limit} bytes`);
          pieces.push(this.#kernel.bytes.slice(bufferOffset, bufferOffset + count));
        }
        return join(pieces, total);
      }),
    );
  }

  async readText(path: string, limit?: number): Promise<string> {
    return this.#kernel.decode(await this.read(path, limit));
  }

  async write(
    path: string,
    data: string | Uint8Array,
    options: { mode?: number; exclusive?: boolean } = {},
  ): Promise<void> {
    const flags =
      openFlags.writeOnly | openFlags.create | (options.exclusive ? openFlags.exclusive : openFlags.truncate);
    attempt('write', path, () => this.#store(path, flags, options.mode ?? 0o644, data));
  }

  async overwrite(path: string, data: Uint8Array, offset: number): Promise<void> {
    attempt('write', path, () =>
      this.#withOpen(path, openFlags.writeOnly, 0, (descriptor) => {
        this.#kernel.seek(descriptor, offset);
        this.#kernel.write(descriptor, data);
      }),
    );
  }

  async append(path: string, data: string | Uint8Array, options: { mode?: number } = {}): Promise<void> {
    attempt('append to', path, () =>
      this.#store(path, openFlags.writeOnly | openFlags.create | openFlags.append, options.mode ?? 0o644, data),
    );
  }

  async sync(path: string): Promise<void> {
    attempt('sync', path, () =>
      this.#withOpen(path, openFlags.readOnly, 0, (descriptor) => this.#kernel.call('fsync', 0, [descriptor], path)),
    );
  }

  async syncDirectory(path: string): Promise<void> {
    attempt('sync', path, () =>
      this.#withOpen(path, openFlags.readOnly | this.#kernel.directoryFlag, 0, (descriptor) =>
        this.#kernel.call('fsync', 0, [descriptor], path),
      ),
    );
  }

  async syncFileSystem(path: string): Promise<void> {
    attempt('sync the file system of', path, () =>
      this.#withOpen(path, openFlags.readOnly, 0, (descriptor) => syncFileSystem(this.#kernel, descriptor, path)),
    );
  }

  async rename(from: string, to: string): Promise<void> {
    attempt(`rename ${from} to`, to, () =>
      this.#two(from, to, () =>
        this.#kernel.call('renameat2', 0b01010, [atCurrentDirectory, 0, atCurrentDirectory, secondPath, 0], from),
      ),
    );
  }

  async link(existing: string, path: string): Promise<void> {
    attempt('link', path, () =>
      this.#two(existing, path, () =>
        this.#kernel.call('linkat', 0b01010, [atCurrentDirectory, 0, atCurrentDirectory, secondPath, 0], path),
      ),
    );
  }

  async symlink(target: string, path: string): Promise<void> {
    attempt('link', path, () =>
      this.#two(target, path, () => this.#kernel.call('symlinkat', 0b101, [0, atCurrentDirectory, secondPath], path)),
    );
  }

  async readLink(path: string): Promise<string> {
    return attempt('read link', path, () => this.#readLink(path));
  }

  async realPath(path: string): Promise<string> {
    // The kernel resolves every link when the file is opened, and tells the result below /proc.
    return attempt('resolve', path, () =>
      this.#withOpen(path, this.#kernel.pathFlag, 0, (descriptor) => this.#readLink(`/proc/self/fd/${descriptor}`)),
    );
  }

  async unlink(path: string): Promise<void> {
    attempt('remove', path, () =>
      this.#one(path, () => this.#kernel.call('unlinkat', 0b10, [atCurrentDirectory, 0, 0], path)),
    );
  }

  async makeDirectory(path: string, mode = 0o755): Promise<void> {
    attempt('create directory', path, () =>
      this.#one(path, () =>
        this.#kernel.exactModes(() => this.#kernel.call('mkdirat', 0b10, [atCurrentDirectory, 0, mode], path)),
      ),
    );
  }

  async removeDirectory(path: string): Promise<void> {
    attempt('remove directory', path, () =>
      this.#one(path, () => this.#kernel.call('unlinkat', 0b10, [atCurrentDirectory, 0, 0x200], path)),
    );
  }

  async changeMode(path: string, mode: number): Promise<void> {
    attempt('change the mode of', path, () =>
      this.#one(path, () => this.#kernel.call('fchmodat', 0b10, [atCurrentDirectory, 0, mode], path)),
    );
  }

  async status(path: string, options: { follow?: boolean } = {}): Promise<FileStatus | undefined> {
    try {
      return attempt('examine', path, () => this.#status(path, options.follow === true));
    } catch (error) {
      if (error instanceof HostError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  async list(path: string): Promise<{ name: string; kind: FileKind }[]> {
    return attempt('list', path, () =>
      this.#withOpen(path, openFlags.readOnly | this.#kernel.directoryFlag, 0, (descriptor) => {
        const entries = readDirectory(this.#kernel, descriptor).map(({ name, type }) => ({
          name,
          kind: kinds[type] ?? this.#status(`${path}/${name}`, false).kind,
        }));
        return entries.sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
      }),
    );
  }

  async copy(from: string, to: string, mode: number): Promise<void> {
    attempt('copy', from, () =>
      this.#withOpen(from, openFlags.readOnly, 0, (source) =>
        this.#withOpen(to, openFlags.writeOnly | openFlags.create | openFlags.truncate, mode, (target) => {
          this.#kernel.call('fchmod', 0, [target, mode], to);
          while (this.#kernel.door(this.#kernel.machine.move(0, source, target, bufferSize), 'copy', from) > 0);
        }),
      ),
    );
  }

  async digest(path: string): Promise<string> {
    return attempt('hash', path, () =>
      this.#withOpen(path, openFlags.readOnly, 0, (descriptor) => {
        const context = this.#kernel.door(this.#kernel.machine.hashNew(), 'hash', path);
        try {
          while (
            this.#kernel.door(this.#kernel.machine.hashDescriptor(context, descriptor, 1 << 20), 'read', path) > 0
          );
        } catch (error) {
          this.#kernel.machine.hashFinish(context, bufferOffset);
          throw error;
        }
        return this.#kernel.finishHash(context);
      }),
    );
  }

  async space(path: string): Promise<{ total: number; free: number; available: number; type: string }> {
    return attempt('measure', path, () => fileSystemSpace(this.#kernel, path));
  }

  async lock(path: string): Promise<{ release(): Promise<void> }> {
    return attempt('lock', path, () => lockFile(this.#kernel, path));
  }

  #status(path: string, follow: boolean): FileStatus {
    const view = this.#kernel.view;
    this.#one(path, () =>
      this.#kernel.call(
        'statx',
        0b10010,
        [atCurrentDirectory, 0, follow ? 0 : noFollow, statx.mask, bufferOffset],
        path,
      ),
    );
    const word = (offset: number) => view.getUint32(bufferOffset + offset, true);
    const mode = view.getUint16(bufferOffset + statx.mode, true);
    const large = (offset: number) => Number(view.getBigUint64(bufferOffset + offset, true));
    return {
      kind: kinds[mode >> 12] ?? 'file',
      size: large(statx.size),
      mode: mode & 0o7777,
      inode: large(statx.inode),
      device: word(statx.deviceMajor) * 2 ** 20 + word(statx.deviceMinor),
      links: word(statx.nlink),
      modified: large(statx.modified) * 1000 + word(statx.modified + 8) / 1e6,
      uid: word(statx.uid),
      gid: word(statx.gid),
    };
  }

  #readLink(path: string): string {
    const length = this.#one(path, () =>
      this.#kernel.call('readlinkat', 0b110, [atCurrentDirectory, 0, bufferOffset, 4096], path),
    );
    return this.#kernel.takeText(bufferOffset, length);
  }

  #store(path: string, flags: number, mode: number, data: string | Uint8Array): void {
    this.#withOpen(path, flags, mode, (descriptor) =>
      this.#kernel.write(descriptor, typeof data === 'string' ? this.#kernel.encode(data) : data),
    );
  }

  #withOpen<T>(path: string, flags: number, mode: number, work: (descriptor: number) => T): T {
    const open = () => this.#kernel.open(path, flags, mode);
    const descriptor = flags & openFlags.create ? this.#kernel.exactModes(open) : open();
    try {
      return work(descriptor);
    } finally {
      this.#kernel.close(descriptor);
    }
  }

  #one<T>(path: string, work: () => T): T {
    this.#kernel.putPath(path);
    return work();
  }

  #two<T>(first: string, second: string, work: () => T): T {
    this.#kernel.putPath(first);
    this.#kernel.putPath(second, secondPath);
    return work();
  }
}

function join(pieces: Uint8Array[], total: number): Uint8Array {
  const whole = new Uint8Array(total);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
