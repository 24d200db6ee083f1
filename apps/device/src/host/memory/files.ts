/** The port `Files` on the simulated machine. Each method that changes a persistent file system is one disk effect. */
import { type FileStatus, type Files, HostError } from '../ports.ts';
import type { Inode } from './file-system.ts';
import { type Gate, TooLate } from './gate.ts';
import type { Machine } from './machine.ts';
import type { Mount, Place } from './name-space.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

const toBytes = (data: string | Uint8Array) => (typeof data === 'string' ? encodeUtf8(data) : data);
const defaultMode = 0o644;

/**
 * @param machine whose disk this is
 * @param gate of the runtime that calls
 * @param pid of that runtime, written into lock files
 */
export function memoryFiles(machine: Machine, gate: Gate, pid: number): Files {
  const { names } = machine;
  const now = () => machine.timeline.wall();

  /** Does one change: checks faults and flags, counts it if it touches the disk, and says when it is done. */
  function change(mount: Mount, operation: string, path: string, act: () => void): void {
    if (mount.flags.has('readonly')) throw new HostError('EROFS', operation, path);
    machine.checkFaults(operation, path);
    const counts = mount.fileSystem.options.persistent;
    if (counts && !machine.admit()) throw new TooLate();
    try {
      act();
    } catch (error) {
      throw error instanceof HostError ? new HostError(error.code, operation, path) : error;
    }
    if (counts) machine.report(operation, path);
  }

  function file(path: string, operation: string): { mount: Mount; inode: Inode } {
    const found = names.find(path, operation);
    if (found.inode.kind === 'directory') throw new HostError('EISDIR', operation, path);
    return found;
  }

  function directory(path: string, operation: string): { mount: Mount; inode: Inode } {
    const found = names.find(path, operation);
    if (found.inode.kind !== 'directory') throw new HostError('ENOTDIR', operation, path);
    return found;
  }

  /** A place where a new entry can go. */
  function free(path: string, operation: string): Place {
    const place = names.walk(path, operation, false);
    if (place.found !== undefined) throw new HostError('EEXIST', operation, path);
    return place;
  }

  /** The last entry of a path that may be taken away or replaced. */
  function entry(path: string, operation: string, named = path): Place & { found: { mount: Mount; inode: Inode } } {
    const place = names.walk(path, operation, false);
    const { found } = place;
    if (found === undefined) throw new HostError('ENOENT', operation, named);
    if (place.name === '' || found.mount !== place.mount) throw new HostError('EBUSY', operation, named);
    return { ...place, found };
  }

  function readNow(path: string, limit: number | undefined): Uint8Array {
    machine.checkFaults('read', path);
    const { content } = file(path, 'read').inode;
    if (limit !== undefined && content.length > limit)
      throw new HostError('EFBIG', 'read', path, `larger than ${limit} bytes`);
    return content;
  }

  function put(
    operation: string,
    path: string,
    mode: number | undefined,
    exclusive: boolean,
    fill: (mount: Mount, inode: Inode) => void,
  ): void {
    const place = names.walk(path, operation, !exclusive);
    if (exclusive && place.found !== undefined) throw new HostError('EEXIST', operation, path);
    if (place.found?.inode.kind === 'directory') throw new HostError('EISDIR', operation, path);
    const mount = place.found?.mount ?? place.mount;
    change(mount, operation, path, () => {
      const inode =
        place.found?.inode ?? mount.fileSystem.make(place.directory, place.name, 'file', mode ?? defaultMode, now());
      fill(mount, inode);
    });
  }

  function replace(mount: Mount, inode: Inode, data: Uint8Array): void {
    if (inode.content.length > 0) mount.fileSystem.changeContent(inode, { kind: 'truncate', size: 0 }, now());
    if (data.length > 0) mount.fileSystem.changeContent(inode, { kind: 'write', offset: 0, data: data.slice() }, now());
  }

  return {
    read: (path, limit) => gate(() => readNow(path, limit).slice()),
    readText: (path, limit) => gate(() => decodeUtf8(readNow(path, limit))),
    write: (path, data, options = {}) =>
      gate(() =>
        put('write', path, options.mode, options.exclusive ?? false, (mount, inode) =>
          replace(mount, inode, toBytes(data)),
        ),
      ),
    overwrite: (path, data, offset) =>
      gate(() => {
        const { mount, inode } = file(path, 'overwrite');
        change(mount, 'overwrite', path, () =>
          mount.fileSystem.changeContent(inode, { kind: 'write', offset, data: data.slice() }, now()),
        );
      }),
    append: (path, data, options = {}) =>
      gate(() =>
        put('append', path, options.mode, false, (mount, inode) => {
          const bytes = toBytes(data);
          if (bytes.length === 0) return;
          const offset = inode.content.length;
          mount.fileSystem.changeContent(inode, { kind: 'write', offset, data: bytes.slice() }, now());
        }),
      ),
    sync: (path) =>
      gate(() => {
        const { mount, inode } = names.find(path, 'sync');
        syncChange(mount, 'sync', path, () => mount.fileSystem.sync(inode));
      }),
    syncDirectory: (path) =>
      gate(() => {
        const { mount, inode } = directory(path, 'sync directory');
        syncChange(mount, 'syncDirectory', path, () => mount.fileSystem.syncDirectory(inode));
      }),
    syncFileSystem: (path) =>
      gate(() => {
        const { mount } = names.find(path, 'sync the file system of');
        machine.checkFaults('syncFileSystem', path);
        if (!mount.fileSystem.isSettled) syncChange(mount, 'syncFileSystem', path, () => mount.fileSystem.settle());
      }),
    rename: (from, to) => gate(() => renameNow(from, to)),
    link: (existing, path) =>
      gate(() => {
        const source = names.find(existing, 'link', false);
        if (source.inode.kind === 'directory') throw new HostError('EPERM', 'link', path);
        const place = free(path, 'link');
        if (place.mount !== source.mount) throw new HostError('EXDEV', 'link', path);
        change(place.mount, 'link', path, () =>
          place.mount.fileSystem.link(source.inode, place.directory, place.name, now()),
        );
      }),
    symlink: (target, path) =>
      gate(() => {
        const place = free(path, 'symlink');
        change(place.mount, 'symlink', path, () => {
          place.mount.fileSystem.make(place.directory, place.name, 'symlink', 0o777, now(), target);
        });
      }),
    readLink: (path) =>
      gate(() => {
        const { inode } = names.find(path, 'read link', false);
        if (inode.kind !== 'symlink') throw new HostError('EINVAL', 'read link', path);
        return inode.target;
      }),
    realPath: (path) => gate(() => names.find(path, 'resolve').path),
    unlink: (path) =>
      gate(() => {
        const place = entry(path, 'unlink');
        if (place.found.inode.kind === 'directory') throw new HostError('EISDIR', 'unlink', path);
        change(place.mount, 'unlink', path, () => place.mount.fileSystem.remove(place.directory, place.name, now()));
      }),
    makeDirectory: (path, mode = 0o755) =>
      gate(() => {
        const place = free(path, 'make directory');
        change(place.mount, 'makeDirectory', path, () => {
          place.mount.fileSystem.make(place.directory, place.name, 'directory', mode, now());
        });
      }),
    removeDirectory: (path) =>
      gate(() => {
        const place = entry(path, 'remove directory');
        if (place.found.inode.kind !== 'directory') throw new HostError('ENOTDIR', 'remove directory', path);
        if (place.found.inode.entries.size > 0) throw new HostError('ENOTEMPTY', 'remove directory', path);
        change(place.mount, 'removeDirectory', path, () =>
          place.mount.fileSystem.remove(place.directory, place.name, now()),
        );
      }),
    changeMode: (path, mode) =>
      gate(() => {
        const { mount, inode } = names.find(path, 'change mode of');
        change(mount, 'changeMode', path, () => {
          inode.mode = mode;
          if (!mount.fileSystem.options.persistent) inode.durable.mode = mode;
        });
      }),
    status: (path, options = {}) =>
      gate(() => {
        machine.checkFaults('status', path);
        return statusNow(path, options.follow ?? false);
      }),
    list: (path) =>
      gate(() => {
        machine.checkFaults('list', path);
        const { mount, inode } = directory(path, 'list');
        return Array.from(inode.entries, ([name, id]) => ({ name, kind: mount.fileSystem.inode(id).kind })).sort(
          (a, b) => (a.name < b.name ? -1 : 1),
        );
      }),
    copy: (from, to, mode) =>
      gate(() => {
        const content = readNow(from, undefined);
        put('copy', to, mode, false, (mount, inode) => {
          replace(mount, inode, content);
          inode.mode = mode;
        });
      }),
    digest: (path) => gate(() => machine.digest(readNow(path, undefined))),
    space: (path) =>
      gate(() => {
        const { fileSystem } = names.find(path, 'read space of').mount;
        const { capacity, type } = fileSystem.options;
        return { total: capacity, free: fileSystem.available, available: fileSystem.available, type };
      }),
    lock: (path) =>
      gate(() => {
        const place = names.walk(path, 'lock', true);
        const holder = place.found && machine.locks.get(place.found.inode);
        if (holder !== undefined)
          throw new HostError('EWOULDBLOCK', 'lock', path, `it is held by the process ${holder}`);
        put('write', path, defaultMode, false, (mount, inode) => {
          replace(mount, inode, encodeUtf8(`${pid}\n`));
          machine.locks.set(inode, pid);
        });
        const { inode } = file(path, 'lock');
        return { release: async () => void machine.locks.delete(inode) };
      }),
  };

  function syncChange(mount: Mount, operation: string, path: string, act: () => void): void {
    machine.checkFaults(operation, path);
    if (!mount.fileSystem.options.persistent) return;
    if (!machine.admit()) throw new TooLate();
    act();
    machine.report(operation, path);
  }

  function renameNow(from: string, to: string): void {
    const source = entry(from, 'rename', to);
    const target = names.walk(to, 'rename', false);
    if (target.name === '') throw new HostError('EBUSY', 'rename', to);
    if (target.mount !== source.mount) throw new HostError('EXDEV', 'rename', to);
    const moved = source.found.inode;
    const replaced = target.found?.inode;
    // rename(2): two names of one file stay both.
    if (replaced === moved) return;
    if (replaced !== undefined) {
      if (target.found?.mount !== target.mount) throw new HostError('EBUSY', 'rename', to);
      if (replaced.kind === 'directory' && moved.kind !== 'directory') throw new HostError('EISDIR', 'rename', to);
      if (replaced.kind !== 'directory' && moved.kind === 'directory') throw new HostError('ENOTDIR', 'rename', to);
      if (replaced.entries.size > 0) throw new HostError('ENOTEMPTY', 'rename', to);
    }
    if (moved.kind === 'directory' && `${target.path}/`.startsWith(`${source.path}/`))
      throw new HostError('EINVAL', 'rename', to);
    change(source.mount, 'rename', to, () =>
      source.mount.fileSystem.rename(source.directory, source.name, target.directory, target.name, now()),
    );
  }

  function statusNow(path: string, follow: boolean): FileStatus | undefined {
    let place: Place;
    try {
      place = names.walk(path, 'look at', follow);
    } catch (error) {
      if (error instanceof HostError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
      throw error;
    }
    if (place.found === undefined) return undefined;
    const { mount, inode } = place.found;
    const [major = 0, minor = 0] = mount.fileSystem.options.device.split(':').map(Number);
    const sizes = { directory: 4096, symlink: inode.target.length };
    return {
      kind: inode.kind,
      size: inode.kind === 'directory' || inode.kind === 'symlink' ? sizes[inode.kind] : inode.content.length,
      mode: inode.mode,
      inode: inode.id,
      device: major * 256 + minor,
      links: inode.links,
      modified: inode.modified,
      uid: inode.uid,
      gid: inode.gid,
    };
  }
}
