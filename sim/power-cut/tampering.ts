/** Faults to put into the program, for proving that the explorer finds them. */
import type { Files } from '../../apps/device/src/host/ports.ts';
import type { Tamper } from './flow.ts';

/** A sync of files with such a path does nothing. */
export const withoutSync =
  (path: RegExp): Tamper =>
  (files) => ({ ...files, sync: async (at) => (path.test(at) ? undefined : files.sync(at)) });

/** A sync of directories with such a path does nothing. */
export const withoutDirectorySync =
  (path: RegExp): Tamper =>
  (files) => ({ ...files, syncDirectory: async (at) => (path.test(at) ? undefined : files.syncDirectory(at)) });

/** Nothing leaves the journal of a file system. */
export const withoutFileSystemSync: Tamper = (files) => ({ ...files, syncFileSystem: async () => undefined });

/** Files with such a path are made durable after they were moved into place, not before. */
export const syncAfterRename =
  (path: RegExp): Tamper =>
  (files) => ({
    ...files,
    sync: async (at) => (path.test(at) ? undefined : files.sync(at)),
    rename: async (from, to) => {
      await files.rename(from, to);
      if (path.test(from)) await files.sync(to);
    },
  });

/** An operation on such a path is left out, as if somebody had forgotten to undo something. */
export const without =
  (operation: 'rename' | 'unlink' | 'removeDirectory' | 'overwrite', path: RegExp): Tamper =>
  (files) => {
    const call = files[operation] as (...given: unknown[]) => Promise<void>;
    const skipping = async (...given: unknown[]) => (path.test(String(given[0])) ? undefined : call(...given));
    return { ...files, [operation]: skipping } as Files;
  };
