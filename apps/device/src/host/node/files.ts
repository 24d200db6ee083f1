import { createHash } from 'node:crypto';
import * as now from 'node:fs';
import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { promisify } from 'node:util';
import { statfs, syncDirectory, syncFileSystem } from '@pantavisor/linux';
import { type FileKind, type FileStatus, type Files, HostError } from '../ports.ts';
import { guarded, hasCode } from './errors.ts';
import { lockFile } from './lock.ts';
import { Turn } from './turn.ts';

/** Bytes held at a time when content is hashed or copied: large enough to hide the cost of a step, small enough for twenty at once. */
const chunkSize = 256 * 1024;

interface Typed {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isSocket(): boolean;
  isBlockDevice(): boolean;
  isCharacterDevice(): boolean;
}

function kindOf(entry: Typed): FileKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  if (entry.isSymbolicLink()) return 'symlink';
  if (entry.isSocket()) return 'socket';
  if (entry.isBlockDevice()) return 'block';
  return entry.isCharacterDevice() ? 'character' : 'fifo';
}

async function withFile<Result>(
  path: string,
  flags: string | number,
  mode: number | undefined,
  step: (file: fs.FileHandle) => Promise<Result>,
): Promise<Result> {
  const file = await fs.open(path, flags, mode);
  try {
    return await step(file);
  } finally {
    await file.close();
  }
}

async function writeFully(file: fs.FileHandle, data: Uint8Array, position: number | null): Promise<void> {
  let done = 0;
  while (done < data.length) {
    const at = position === null ? null : position + done;
    done += (await file.write(data, done, data.length - done, at)).bytesWritten;
  }
}

/** Opens a file that is made with exactly this mode if it is not there, whatever the umask says. */
async function openToWrite(path: string, flags: 'w' | 'a', mode: number, exclusive: boolean): Promise<fs.FileHandle> {
  // Only when the umask would take bits away it matters whether the file is new.
  if ((mode & process.umask()) === 0) return fs.open(path, exclusive ? `${flags}x` : flags, mode);
  try {
    const file = await fs.open(path, `${flags}x`, mode);
    await file.chmod(mode);
    return file;
  } catch (error) {
    if (exclusive || !hasCode(error, 'EEXIST')) throw error;
    return fs.open(path, flags, mode);
  }
}

async function putContent(
  path: string,
  flags: 'w' | 'a',
  data: string | Uint8Array,
  options: { mode?: number; exclusive?: boolean },
): Promise<void> {
  const file = await openToWrite(path, flags, options.mode ?? 0o644, options.exclusive ?? false);
  try {
    await writeFully(file, typeof data === 'string' ? Buffer.from(data) : data, null);
  } finally {
    await file.close();
  }
}

/** What is in memory whatever the disk does: making something there takes no time. */
const inMemory = (path: string) => path.startsWith('/run/') || path.startsWith('/proc/');
/** What can be read at once. Files of devices may take their time. */
const maybeSlow = (path: string) => path.startsWith('/sys/') || path.startsWith('/dev/');
/** Inside the image of a volume, where even a look unpacks a part of the image first. */
const isPacked = (path: string) => /\/volumes\/[^/]+\/[^/]+\/./.test(path);
/** Larger files are read and written by the pool. */
const smallSize = 64 * 1024;
const fsync = promisify(now.fsync);

/** Reads a small plain file; undefined when it is none. Without waiting for the other end of a pipe. */
function readSmall(path: string): Buffer | undefined {
  const descriptor = now.openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = now.fstatSync(descriptor);
    // A directory fails with the right code when it is read.
    if ((!status.isFile() && !status.isDirectory()) || status.size > smallSize) return undefined;
    return now.readFileSync(descriptor);
  } finally {
    now.closeSync(descriptor);
  }
}

function writeSmall(path: string, data: string | Uint8Array, mode: number, exclusive: boolean): void {
  const descriptor = now.openSync(path, exclusive ? 'wx' : 'w', mode);
  try {
    now.writeFileSync(descriptor, data);
  } finally {
    now.closeSync(descriptor);
  }
}

/** Reads on when a file has more than its size said (files of /proc and /sys say 0). */
async function readContent(path: string, limit: number | undefined, turn: Turn): Promise<Buffer> {
  const refuse = (size: number): never => {
    throw new HostError('EFBIG', 'read', path, `it has ${size} bytes or more, at most ${limit} are allowed (EFBIG)`);
  };
  const small = maybeSlow(path) ? undefined : turn.take(() => readSmall(path))?.result;
  if (small !== undefined) return limit !== undefined && small.length > limit ? refuse(small.length) : small;
  return withFile(path, 'r', undefined, async (file) => {
    const { size } = await file.stat();
    if (limit !== undefined && size > limit) refuse(size);
    let content = Buffer.allocUnsafeSlow(size + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(content, length, content.length - length, null);
      length += bytesRead;
      if (limit !== undefined && length > limit) refuse(length);
      // The buffer has room for one byte more than the file said: a read that leaves it empty has met the end.
      if (bytesRead === 0 || (size > 0 && length === size)) return content.subarray(0, length);
      if (length === content.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(4096, content.length * 2));
        content.copy(larger);
        content = larger;
      }
    }
  });
}

async function eachChunk(file: fs.FileHandle, step: (chunk: Uint8Array) => void | Promise<void>): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(chunkSize);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, chunkSize, null);
    if (bytesRead === 0) return;
    await step(buffer.subarray(0, bytesRead));
  }
}

async function copyContent(from: string, to: string, mode: number): Promise<void> {
  await withFile(from, 'r', undefined, async (source) => {
    // Not truncated by opening: a copy onto itself must fail, not empty the file.
    await withFile(to, constants.O_WRONLY | constants.O_CREAT, mode, async (target) => {
      const [left, right] = await Promise.all([source.stat(), target.stat()]);
      if (left.ino === right.ino && left.dev === right.dev)
        throw new HostError('EINVAL', `copy ${from} to`, to, 'they are the same file (EINVAL)');
      await target.truncate();
      await target.chmod(mode);
      await eachChunk(source, (chunk) => writeFully(target, chunk, null));
    });
  });
}

async function statusOf(path: string, follow: boolean, turn: Turn): Promise<FileStatus | undefined> {
  try {
    const options = { throwIfNoEntry: false } as const;
    const look = () => (follow ? now.statSync(path, options) : now.lstatSync(path, options));
    const done = isPacked(path) ? undefined : turn.take(look);
    const found = done ? done.result : follow ? await fs.stat(path) : await fs.lstat(path);
    if (found === undefined) return undefined;
    return {
      kind: kindOf(found),
      size: found.size,
      mode: found.mode & 0o7777,
      inode: found.ino,
      device: found.dev,
      links: found.nlink,
      modified: found.mtimeMs,
      uid: found.uid,
      gid: found.gid,
    };
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function syncFile(path: string): Promise<void> {
  const descriptor = now.openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    await fsync(descriptor);
  } finally {
    now.closeSync(descriptor);
  }
}

/** Files of the machine. */
export function createFiles(): Files {
  const turn = new Turn();
  /** A change of a directory: at once where it is in memory, else by the pool, since a disk may take its time over it. */
  const change = async (paths: readonly string[], soon: () => void, later: () => Promise<void>): Promise<void> => {
    if (!paths.every(inMemory) || turn.take(soon) === undefined) await later();
  };
  const isThere = (path: string) =>
    turn.take(() => now.lstatSync(path, { throwIfNoEntry: false }) !== undefined)?.result;
  return {
    read: (path, limit) => guarded('read', path, () => readContent(path, limit, turn)),
    readText: (path, limit) =>
      guarded('read', path, async () => (await readContent(path, limit, turn)).toString('utf8')),
    write: (path, data, options = {}) =>
      guarded('write', path, async () => {
        const { mode = 0o644, exclusive = false } = options;
        const isShort = data.length <= smallSize && (mode & process.umask()) === 0 && inMemory(path);
        if (!isShort || turn.take(() => writeSmall(path, data, mode, exclusive)) === undefined)
          await putContent(path, 'w', data, options);
      }),
    overwrite: (path, data, offset) =>
      guarded('write', path, () => withFile(path, 'r+', undefined, (file) => writeFully(file, data, offset))),
    append: (path, data, options = {}) => guarded('append to', path, () => putContent(path, 'a', data, options)),
    sync: (path) => guarded('sync', path, () => syncFile(path)),
    syncDirectory: (path) => guarded('sync', path, () => syncDirectory(path)),
    syncFileSystem: (path) => guarded('sync the file system of', path, () => syncFileSystem(path)),
    rename: (from, to) =>
      guarded(`rename ${from} to`, to, () =>
        change(
          [from, to],
          () => now.renameSync(from, to),
          () => fs.rename(from, to),
        ),
      ),
    link: (existing, path) =>
      guarded(`link ${existing} as`, path, () =>
        change(
          [existing, path],
          () => now.linkSync(existing, path),
          () => fs.link(existing, path),
        ),
      ),
    symlink: (target, path) =>
      guarded('make symbolic link', path, () =>
        change(
          [path],
          () => now.symlinkSync(target, path),
          () => fs.symlink(target, path),
        ),
      ),
    readLink: (path) =>
      guarded('read link', path, async () => {
        const soon = isPacked(path) ? undefined : turn.take(() => now.readlinkSync(path));
        return soon?.result ?? fs.readlink(path);
      }),
    realPath: (path) => guarded('resolve', path, () => fs.realpath(path)),
    unlink: (path) =>
      guarded('remove', path, async () => {
        // Most of what durable writes remove was never there.
        if (isThere(path) === false)
          throw new HostError('ENOENT', 'remove', path, 'no such file or directory (ENOENT)');
        // Never at once: what is, or was, a mount point of some container's namespace goes only after a wait for all processors (RCU).
        await fs.unlink(path);
      }),
    makeDirectory: (path, mode) =>
      guarded('make directory', path, async () => {
        // Most directories that are asked for are there.
        if (isThere(path)) throw new HostError('EEXIST', 'make directory', path, 'file already exists (EEXIST)');
        let isLater = false;
        await change(
          [path],
          () => now.mkdirSync(path, mode ?? 0o755),
          async () => {
            isLater = true;
            await fs.mkdir(path, mode ?? 0o755);
          },
        );
        // The pool may have met the umask of a socket that was bound meanwhile.
        if (mode !== undefined && (isLater || (mode & process.umask()) !== 0)) await fs.chmod(path, mode);
      }),
    removeDirectory: (path) => guarded('remove directory', path, () => fs.rmdir(path)),
    changeMode: (path, mode) => guarded('change the mode of', path, () => fs.chmod(path, mode)),
    status: (path, { follow = false } = {}) => guarded('look at', path, () => statusOf(path, follow, turn)),
    list: (path) =>
      guarded('list', path, async () => {
        const soon = inMemory(path) ? turn.take(() => now.readdirSync(path, { withFileTypes: true })) : undefined;
        const entries = soon?.result ?? (await fs.readdir(path, { withFileTypes: true }));
        return entries
          .map((entry) => ({ name: entry.name, kind: kindOf(entry) }))
          .sort((left, right) => (left.name < right.name ? -1 : 1));
      }),
    copy: (from, to, mode) => guarded(`copy ${from} to`, to, () => copyContent(from, to, mode)),
    digest: (path) =>
      guarded('hash', path, async () => {
        const hash = createHash('sha256');
        await withFile(path, 'r', undefined, (file) =>
          eachChunk(file, (chunk) => {
            hash.update(chunk);
          }),
        );
        return hash.digest('hex');
      }),
    space: (path) =>
      guarded('measure the space of', path, async () => {
        const { blocks, free, available, blockSize, type } = await statfs(path);
        return { total: blocks * blockSize, free: free * blockSize, available: available * blockSize, type };
      }),
    lock: (path) => guarded('lock', path, () => lockFile(path)),
  };
}
