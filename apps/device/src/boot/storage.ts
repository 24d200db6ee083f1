/** Opening the storage directory: made if missing, locked for one runtime, repaired; each refusal is one clear failure. */
import type { DeviceConfig } from '../config/table.ts';
import { type Files, HostError } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { makeTree } from '../storage/durable.ts';
import { type StorageLayout, storageLayout } from '../storage/layout.ts';
import { createObjectStore, type ObjectStore } from '../storage/objects.ts';
import { prepareStorage } from '../storage/prepare.ts';
import { readSpace } from '../storage/space.ts';

/** File in the storage that the runtime keeps locked. */
const lockName = '.pantavisor.lock';

/**
 * Makes the directory if missing.
 * @returns its absolute path without symbolic links
 * @throws Failure `storage-read-only`, `storage-full`, `storage-unusable`
 */
export async function resolveStorage(files: Files, path: string): Promise<string> {
  return orStorageFailure(path, async () => {
    const absolute = path.startsWith('/') ? path : `${await files.realPath('.')}/${path}`;
    const trimmed = absolute.replace(/(?<=.)\/+$/, '');
    if ((await files.status(trimmed, { follow: true })) === undefined) await makeTree(files, trimmed);
    return files.realPath(trimmed);
  });
}

/**
 * Makes sure that no other runtime works on this storage.
 * @throws Failure `storage-locked`, which names the other's pid, and those of `resolveStorage`
 */
export function lockStorage(files: Files, storage: string): Promise<{ release(): Promise<void> }> {
  return orStorageFailure(storage, async () => {
    try {
      return await files.lock(`${storage}/${lockName}`);
    } catch (cause) {
      if (!(cause instanceof HostError) || cause.code !== 'EWOULDBLOCK') throw cause;
      throw new Failure(
        'storage-locked',
        `cannot use storage ${storage}: another runtime runs on it: ${cause.message}`,
        {
          file: storage,
          hint: 'stop that one first, or use another --storage',
          cause,
        },
      );
    }
  });
}

/**
 * Prepares the directories of a locked storage.
 * @param reservedPercent PV_STORAGE_GC_RESERVED
 * @returns what was repaired, for the log
 */
export async function openStorage(
  files: Files,
  places: { storage: string; logs: string },
  config: Pick<DeviceConfig, 'PV_STORAGE_GC_RESERVED' | 'PV_UPDATER_USE_TMP_OBJECTS' | 'PV_STORAGE_FSTYPE'>,
): Promise<{ layout: StorageLayout; objects: ObjectStore; repaired: string[] }> {
  const layout = storageLayout(places);
  const space = () => readSpace(files, layout, config.PV_STORAGE_GC_RESERVED);
  const objects = createObjectStore({ files, layout, space, temporary: () => temporaryObjects(config) });
  const repaired = await orStorageFailure(places.storage, () => prepareStorage(files, layout, objects));
  return { layout, objects, repaired };
}

/** On raw flash what is not complete yet may lie in memory: every write wears it out (storage.md §4). */
function temporaryObjects(
  config: Pick<DeviceConfig, 'PV_UPDATER_USE_TMP_OBJECTS' | 'PV_STORAGE_FSTYPE'>,
): string | undefined {
  const isFlash = config.PV_STORAGE_FSTYPE === 'jffs2' || config.PV_STORAGE_FSTYPE === 'ubifs';
  return config.PV_UPDATER_USE_TMP_OBJECTS && isFlash ? '/tmp' : undefined;
}

const failuresOfErrno: Readonly<Record<string, { code: string; why: string; hint: string }>> = {
  EROFS: {
    code: 'storage-read-only',
    why: 'its file system is read-only',
    hint: 'remount it for writing, or use another --storage',
  },
  ENOSPC: { code: 'storage-full', why: 'its file system is full', hint: 'free some space, or use another --storage' },
  EDQUOT: { code: 'storage-full', why: 'the disk quota is used up', hint: 'free some space, or use another --storage' },
};

/** Runs work on the storage and says errors of the machine as what they mean for it. */
export async function orStorageFailure<T>(storage: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof HostError)) throw cause;
    const { code, why, hint } = failuresOfErrno[cause.code] ?? {
      code: 'storage-unusable',
      why: cause.message,
      hint: 'name a directory that root can write to',
    };
    throw new Failure(code, `cannot use storage ${storage}: ${why}`, { file: cause.path ?? storage, hint, cause });
  }
}
