/** Files that survive a loss of power, and folders, over system calls. */
import {
  atCurrentDirectory,
  bufferOffset,
  bufferSize,
  errnoName,
  type Kernel,
  openFlags,
  SystemCallError,
} from '@pantavisor/small-host';
import type { ToolFiles } from './ports.ts';
import { named } from './small.ts';

const removeDirectory = 0x200;
/** struct linux_dirent64: inode 8 bytes, offset 8, record length 2, type 1, name with NUL. */
const record = { length: 16, name: 19 } as const;

type Durable = Pick<ToolFiles, 'replace' | 'makeDirectory' | 'list' | 'remove' | 'rename' | 'link' | 'syncFileSystem'>;

/** Creates this part of the port. */
export function durableFiles(kernel: Kernel): Durable {
  const pid = kernel.call('getpid', 0, []);
  const withOpen = <T>(path: string, flags: number, mode: number, work: (descriptor: number) => T): T => {
    const descriptor = kernel.open(path, flags, mode);
    try {
      return work(descriptor);
    } finally {
      kernel.close(descriptor);
    }
  };
  const flush = (path: string) => withOpen(path, openFlags.readOnly, 0, (file) => kernel.call('fsync', 0, [file]));
  const pair = (call: 'renameat2' | 'linkat', from: string, to: string) => {
    const second = kernel.putPath(from);
    kernel.putPath(to, second);
    kernel.call(call, 0b1010, [atCurrentDirectory, 0, atCurrentDirectory, second, 0], to);
  };
  const rename = (from: string, to: string) => {
    pair('renameat2', from, to);
    flush(parentOf(to));
  };
  const unlink = (path: string, flags: number): number => {
    kernel.putPath(path);
    return kernel.raw('unlinkat', 0b10, atCurrentDirectory, 0, flags);
  };
  const list = (path: string): string[] =>
    withOpen(path, openFlags.readOnly | kernel.directoryFlag, 0, (directory) => {
      const names: string[] = [];
      for (;;) {
        const count = kernel.call('getdents64', 0b10, [directory, bufferOffset, bufferSize]);
        if (count === 0) return names.sort();
        for (let at = bufferOffset; at < bufferOffset + count; at += kernel.view.getUint16(at + record.length, true)) {
          const name = at + record.name;
          const text = kernel.takeText(name, kernel.bytes.indexOf(0, name) - name);
          if (text !== '.' && text !== '..') names.push(text);
        }
      }
    });
  const remove = (path: string): void => {
    let result = unlink(path, 0);
    if (errnoName(result) === 'EISDIR') {
      for (const name of list(path)) remove(`${path}/${name}`);
      result = unlink(path, removeDirectory);
    }
    if (result < 0 && errnoName(result) !== 'ENOENT' && errnoName(result) !== 'ENOTDIR')
      throw new SystemCallError(errnoName(result), 'unlinkat', path);
  };
  const makeDirectory = (path: string, mode = 0o755): void => {
    kernel.putPath(path);
    const result = kernel.exactModes(() => kernel.raw('mkdirat', 0b10, atCurrentDirectory, 0, mode));
    const code = result < 0 ? errnoName(result) : 'EEXIST';
    if (code === 'ENOENT' && parentOf(path) !== path) {
      makeDirectory(parentOf(path));
      makeDirectory(path, mode);
    } else if (code !== 'EEXIST') throw new SystemCallError(code, 'mkdirat', path);
    else withOpen(path, openFlags.readOnly | kernel.directoryFlag, 0, () => {});
  };
  const write = (path: string, content: string | Uint8Array, mode: number) => {
    const { writeOnly, create, truncate } = openFlags;
    withOpen(path, writeOnly | create | truncate, mode, (file) => {
      kernel.write(file, typeof content === 'string' ? kernel.encode(content) : content);
      kernel.call('fsync', 0, [file]);
    });
  };
  const copy = (from: string, to: string) => {
    const { readOnly, writeOnly, create, truncate } = openFlags;
    withOpen(from, readOnly, 0, (source) =>
      withOpen(to, writeOnly | create | truncate, 0o644, (target) => {
        while (kernel.door(kernel.machine.move(0, source, target, bufferSize), 'copy', from) > 0);
      }),
    );
  };
  const replace = (path: string, content: string | Uint8Array, mode = 0o644) => {
    const temporary = `${path}.${pid}.new`;
    try {
      write(temporary, content, mode);
      rename(temporary, path);
    } catch (error) {
      unlink(temporary, 0);
      throw error;
    }
  };
  const link = (existing: string, path: string) => {
    try {
      pair('linkat', existing, path);
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code !== 'EXDEV') throw error;
      copy(existing, path);
    }
  };
  const syncFileSystem = (path: string) =>
    withOpen(path, openFlags.readOnly, 0, (file) => void kernel.call('syncfs', 0, [file]));
  const told =
    <Values extends unknown[], T>(work: (...values: Values) => T) =>
    async (...values: Values): Promise<T> =>
      named(() => work(...values));
  return {
    replace: told(replace),
    makeDirectory: told(makeDirectory),
    list: told(list),
    remove: told(remove),
    rename: told(rename),
    link: told(link),
    syncFileSystem: told(syncFileSystem),
  };
}

function parentOf(path: string): string {
  const cut = path.replace(/\/+$/, '').lastIndexOf('/');
  return cut < 0 ? '.' : cut === 0 ? '/' : path.slice(0, cut);
}
