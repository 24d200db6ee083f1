import { createHash } from 'node:crypto';
import { constants, readFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { statfs, syncDirectory } from '@pantavisor/linux';
import { type FileKind, type FileStatus, type Files, HostError } from '../ports.ts';
import { guarded, hasCode } from './errors.ts';
import { lockFile } from './lock.ts';

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

/** Files of processes come from the kernel's memory: six trips through the thread pool take far longer than reading them here. */
const ofProcess = /^\/proc\/(\d+|self)\//;

/** Reads on when a file has more than its size said (files of /proc and /sys say 0). */
async function readContent(path: string, limit: number | undefined): Promise<Buffer> {
  const refuse = (size: number): never => {
    throw new HostError('EFBIG', 'read', path, `it has ${size} bytes or more, at most ${limit} are allowed (EFBIG)`);
  };
  if (ofProcess.test(path)) {
    const content = readFileSync(path);
    return limit !== undefined && content.length > limit ? refuse(content.length) : content;
  }
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

async function statusOf(path: string, follow: boolean): Promise<FileStatus | undefined> {
  try {
    const found = follow ? await fs.stat(path) : await fs.lstat(path);
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

/** Files of the machine. */
export function createFiles(): Files {
  return {
    read: (path, limit) => guarded('read', path, () => readContent(path, limit)),
    readText: (path, limit) => guarded('read', path, async () => (await readContent(path, limit)).toString('utf8')),
    write: (path, data, options = {}) => guarded('write', path, () => putContent(path, 'w', data, options)),
    overwrite: (path, data, offset) =>
      guarded('write', path, () => withFile(path, 'r+', undefined, (file) => writeFully(file, data, offset))),
    append: (path, data, options = {}) => guarded('append to', path, () => putContent(path, 'a', data, options)),
    sync: (path) => guarded('sync', path, () => withFile(path, 'r', undefined, (file) => file.sync())),
    syncDirectory: (path) => guarded('sync', path, () => syncDirectory(path)),
    rename: (from, to) => guarded(`rename ${from} to`, to, () => fs.rename(from, to)),
    link: (existing, path) => guarded(`link ${existing} as`, path, () => fs.link(existing, path)),
    symlink: (target, path) => guarded('make symbolic link', path, () => fs.symlink(target, path)),
    readLink: (path) => guarded('read link', path, () => fs.readlink(path)),
    realPath: (path) => guarded('resolve', path, () => fs.realpath(path)),
    unlink: (path) => guarded('remove', path, () => fs.unlink(path)),
    makeDirectory: (path, mode) =>
      guarded('make directory', path, async () => {
        await fs.mkdir(path, mode ?? 0o755);
        if (mode !== undefined && (mode & process.umask()) !== 0) await fs.chmod(path, mode);
      }),
    removeDirectory: (path) => guarded('remove directory', path, () => fs.rmdir(path)),
    changeMode: (path, mode) => guarded('change the mode of', path, () => fs.chmod(path, mode)),
    status: (path, { follow = false } = {}) => guarded('look at', path, () => statusOf(path, follow)),
    list: (path) =>
      guarded('list', path, async () => {
        const entries = await fs.readdir(path, { withFileTypes: true });
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
