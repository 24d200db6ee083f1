/** Following files with inotify(7), found inside a foreign root by openat2(2). */
import { bufferOffset, bufferSize, errnoName, type Kernel, type Loop, openFlags, ready } from '@pantavisor/small-host';
import { HostError } from '../../ports.ts';
import type { FollowedFile, Follower } from '../../streams.ts';
import { granted } from '../failure.ts';

const events = {
  modify: 0x2,
  attributes: 0x4,
  movedFrom: 0x40,
  movedTo: 0x80,
  create: 0x100,
  delete: 0x200,
  deleteSelf: 0x400,
  moveSelf: 0x800,
} as const;
const ofFile = events.modify | events.attributes | events.deleteSelf | events.moveSelf;
const ofDirectory =
  events.create | events.delete | events.movedFrom | events.movedTo | events.deleteSelf | events.moveSelf;
/** Adds to what others watch on the same inode instead of replacing it. */
const maskAdd = 0x20000000;
/** RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS of openat2(2). */
const resolveInRoot = 0x12;
const emptyPath = 0x1000;
const rootPath = 8192;
const howOffset = 16384;
const absent = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO', 'ESRCH'];

/** The one inotify instance of the process, with what to call for each watch. */
export class Watches {
  readonly #kernel: Kernel;
  readonly #loop: Loop;
  readonly #callbacks = new Map<number, Set<() => void>>();
  #instance = -1;

  constructor(kernel: Kernel, loop: Loop) {
    this.#kernel = kernel;
    this.#loop = loop;
  }

  /** Watches what a descriptor stands for; the result ends it. Undefined when the kernel refuses. */
  add(descriptor: number, mask: number, changed: () => void): (() => void) | undefined {
    if (this.#instance < 0) this.#start();
    this.#kernel.putPath(`/proc/self/fd/${descriptor}`);
    const watch = this.#kernel.raw('inotify_add_watch', 0b10, this.#instance, 0, mask | maskAdd);
    if (watch < 0) return undefined;
    const list = this.#callbacks.get(watch) ?? new Set();
    this.#callbacks.set(watch, list.add(changed));
    return () => {
      list.delete(changed);
      if (list.size > 0 || this.#callbacks.get(watch) !== list) return;
      this.#callbacks.delete(watch);
      this.#kernel.raw('inotify_rm_watch', 0, this.#instance, watch);
    };
  }

  #start(): void {
    this.#instance = this.#kernel.call('inotify_init1', 0, [openFlags.nonBlocking | openFlags.closeOnExec]);
    this.#loop.watch(this.#instance, ready.read, () => this.#read());
  }

  #read(): void {
    const count = this.#kernel.raw('read', 0b10, this.#instance, bufferOffset, bufferSize);
    const called = new Set<() => void>();
    // struct inotify_event: watch, mask, cookie, length of the name that follows.
    for (let offset = 0; offset + 16 <= count; ) {
      const start = bufferOffset + offset;
      const watch = this.#kernel.view.getInt32(start, true);
      // Too many events at once: anything may have happened anywhere.
      const lists = watch < 0 ? [...this.#callbacks.values()] : [this.#callbacks.get(watch) ?? new Set<() => void>()];
      for (const list of lists) for (const callback of list) called.add(callback);
      offset += 16 + this.#kernel.view.getUint32(start + 12, true);
    }
    for (const callback of called) callback();
  }
}

/** See the port's `follow`. */
export class SmallFollower implements Follower {
  readonly #kernel: Kernel;
  readonly #watches: Watches;
  readonly #root: string;
  readonly #path: string;
  readonly #changed: () => void;
  #directory: { path: string; stop: () => void } | undefined;
  #file: { identity: string; stop: () => void } | undefined;
  #closed = false;

  constructor(
    kernel: Kernel,
    watches: Watches,
    { root, path, changed }: { root: string; path: string; changed: () => void },
  ) {
    this.#kernel = kernel;
    this.#watches = watches;
    this.#root = root;
    this.#path = path;
    this.#changed = changed;
    this.#watchDirectory();
  }

  async open(): Promise<FollowedFile | undefined> {
    if (this.#closed) return undefined;
    // Watched first: what appears between the look and the watch would be missed.
    this.#watchDirectory();
    const kernel = this.#kernel;
    const descriptor = this.#open(this.#path, openFlags.readOnly);
    if (descriptor === undefined) return undefined;
    const { identity, isFile } = this.#status(descriptor);
    if (!isFile) {
      kernel.close(descriptor);
      return undefined;
    }
    if (this.#file?.identity !== identity) {
      this.#file?.stop();
      const stop = this.#watches.add(descriptor, ofFile, this.#changed);
      this.#file = stop === undefined ? undefined : { identity, stop };
    }
    return {
      identity,
      size: async () => this.#status(descriptor).size,
      read: async (offset, limit) => {
        kernel.seek(descriptor, offset);
        const count = kernel.read(descriptor, limit);
        return kernel.bytes.slice(bufferOffset, bufferOffset + count);
      },
      truncate: async () => this.#truncate(identity),
      close: () => kernel.close(descriptor),
    };
  }

  close(): void {
    this.#closed = true;
    this.#directory?.stop();
    this.#file?.stop();
  }

  #truncate(identity: string): void {
    const descriptor = this.#open(this.#path, openFlags.writeOnly);
    if (descriptor === undefined) throw new HostError('EACCES', 'truncate', this.#path);
    const result = this.#status(descriptor).identity === identity ? this.#kernel.raw('ftruncate', 0, descriptor, 0) : 0;
    this.#kernel.close(descriptor);
    granted(result, 'truncate', this.#path);
  }

  #open(path: string, flags: number): number | undefined {
    const kernel = this.#kernel;
    const { pathFlag, directoryFlag } = kernel;
    kernel.putPath(this.#root, rootPath);
    const base = kernel.raw('openat', 0b10, -100, rootPath, pathFlag | directoryFlag | openFlags.closeOnExec, 0);
    if (base < 0) return undefined;
    kernel.putPath(path);
    kernel.bytes.fill(0, howOffset, howOffset + 24);
    const all = flags | openFlags.closeOnExec | openFlags.nonBlocking;
    // O_PATH allows few others beside it.
    const allowed = (flags & pathFlag) === 0 ? all : flags | openFlags.closeOnExec;
    kernel.view.setUint32(howOffset, allowed, true);
    kernel.view.setUint32(howOffset + 16, resolveInRoot, true);
    const descriptor = kernel.raw('openat2', 0b0110, base, 0, howOffset, 24);
    kernel.close(base);
    if (descriptor >= 0) return descriptor;
    const code = errnoName(descriptor);
    if (absent.includes(code)) return undefined;
    throw new HostError(code, 'open', path);
  }

  /** statx(2) of what is open. */
  #status(descriptor: number): { identity: string; size: number; isFile: boolean } {
    const { bytes, view } = this.#kernel;
    bytes[0] = 0;
    this.#kernel.call('statx', 0b10010, [descriptor, 0, emptyPath, 0x7ff, bufferOffset]);
    const word = (offset: number) => view.getUint32(bufferOffset + offset, true);
    const long = (offset: number) => word(offset) + word(offset + 4) * 2 ** 32;
    return {
      identity: `${word(136)}:${word(140)}:${long(32)}`,
      size: long(40),
      isFile: view.getUint16(bufferOffset + 28, true) >> 12 === 8,
    };
  }

  #watchDirectory(): void {
    for (let path = parentOf(this.#path); ; path = parentOf(path)) {
      if (this.#directory?.path === path) return;
      const descriptor = this.#open(path, this.#kernel.pathFlag | this.#kernel.directoryFlag);
      if (descriptor !== undefined) {
        const stop = this.#watches.add(descriptor, ofDirectory, this.#changed);
        this.#kernel.close(descriptor);
        if (stop !== undefined) {
          this.#directory?.stop();
          this.#directory = { path, stop };
          return;
        }
      }
      if (path === '/') return;
    }
  }
}

const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/')) || '/';
