/** The store of objects: files named by the SHA-256 of their content (storage.md §4). */
import type { Files } from '../host/ports.ts';
import { copyDurable, isCode, nameOf, removeDurable, renameDurable, unlessCode } from './durable.ts';
import type { StorageLayout } from './layout.ts';
import type { StorageSpace } from './space.ts';

/** Asked before each piece of a body with the total so far; false refuses the rest. */
export type Admit = (total: number) => Promise<boolean>;

/**
 * Writes a body that arrives from somewhere to a file, not necessarily durable, and says what it was; removes the file when it fails.
 * `HttpRequest.saveBody` with its mode given is one.
 */
export type SaveBody = (path: string, admit: Admit) => Promise<{ size: number; sha256: string }>;

export type PutObject =
  /** `stored`: it is durable now. `present`: it was there and is intact; the body was not looked at. */
  | { ok: true; outcome: 'stored' | 'present' }
  | { ok: false; code: 'bad-name' }
  /** The body has another digest; nothing of it is left. */
  | { ok: false; code: 'bad-checksum'; sha256: string }
  /** The body does not fit beside the reserve; nothing of it is left. */
  | { ok: false; code: 'no-space'; available: number };

export interface ObjectStore {
  /** All objects, sorted by id. */
  list(): Promise<{ id: string; size: number }[]>;
  /** Whether the object is there; its content is not looked at. */
  has(id: string): Promise<boolean>;
  /** Whether the object is there and its content has its digest. */
  isIntact(id: string): Promise<boolean>;
  /** Bytes, or undefined when it is not there. */
  size(id: string): Promise<number | undefined>;
  /**
   * Takes an object in. What is not complete, or has another digest, never has an object's name; when the answer is ok, the object is durable.
   * An object that is there but damaged is repaired in place, so that revisions linked to it are whole again.
   * @param expectedSize announced size, to refuse at once what cannot fit
   */
  put(id: string, save: SaveBody, expectedSize?: number): Promise<PutObject>;
  remove(id: string): Promise<void>;
  /** File names in the objects directory that running uploads write to; the collector leaves them alone. */
  uploads(): ReadonlySet<string>;
  /** Removes what uploads of an earlier run have left. Call it before the first upload. */
  removeLeftovers(): Promise<void>;
}

const idPattern = /^[0-9a-f]{64}$/;
const objectMode = 0o644;
/** Free space is measured again after this many bytes, so that an upload does not cost a statfs per piece. */
const measureEvery = 8 * 1024 * 1024;

/** 64 lower-case hex digits. */
export function isObjectId(text: string): boolean {
  return idPattern.test(text);
}

/**
 * @param space measures what may still be used
 * @param onActivity called for each piece of a body: uploads put off the collector
 */
export function createObjectStore(options: {
  files: Files;
  layout: StorageLayout;
  space: () => Promise<StorageSpace>;
  onActivity?: () => void;
  /** Directory on another file system for what is not complete yet; default: beside the objects. */
  temporary?: () => string | undefined;
}): ObjectStore {
  const { files, layout, space, onActivity = () => {}, temporary: elsewhere = () => undefined } = options;
  const running = new Set<string>();

  function claimTemporary(id: string): string {
    for (let n = 0; ; n += 1) {
      const name = n === 0 ? `${id}.tmp` : `${id}.${n}.tmp`;
      if (running.has(name)) continue;
      running.add(name);
      return `${elsewhere() ?? layout.objects}/${name}`;
    }
  }

  async function size(id: string): Promise<number | undefined> {
    const status = await files.status(layout.object(id));
    return status?.kind === 'file' ? status.size : undefined;
  }

  async function isIntact(id: string): Promise<boolean> {
    return (await size(id)) !== undefined && (await files.digest(layout.object(id))) === id;
  }

  /** Admission by free space. Pieces are written in order, so all before the one that is asked for are in a new measurement. */
  function admission(first: StorageSpace): Admit {
    let budget = first.realFree;
    let measuredAt = 0;
    let written = 0;
    return async (total) => {
      onActivity();
      if (total - measuredAt > measureEvery) {
        budget = (await space()).realFree;
        measuredAt = written;
      }
      written = total;
      return total - measuredAt <= budget;
    };
  }

  async function moveIn(temporary: string, id: string): Promise<void> {
    const path = layout.object(id);
    if ((await size(id)) === undefined) {
      if (temporary.startsWith(`${layout.objects}/`)) return renameDurable(files, temporary, path);
      await copyDurable(files, temporary, path, objectMode);
      return files.unlink(temporary);
    }
    await files.copy(temporary, path, objectMode);
    await files.sync(path);
    await removeDurable(files, temporary);
  }

  async function receive(id: string, save: SaveBody, first: StorageSpace): Promise<PutObject> {
    const temporary = claimTemporary(id);
    try {
      const { sha256 } = await save(temporary, admission(first));
      if (sha256 !== id) {
        await files.unlink(temporary);
        return { ok: false, code: 'bad-checksum', sha256 };
      }
      await moveIn(temporary, id);
      return { ok: true, outcome: 'stored' };
    } catch (error) {
      await files.unlink(temporary).catch(() => undefined);
      if (!isCode(error, 'EFBIG') && !isCode(error, 'ENOSPC')) throw error;
      return { ok: false, code: 'no-space', available: (await space()).realFree };
    } finally {
      running.delete(nameOf(temporary));
    }
  }

  return {
    list: async () => {
      const objects: { id: string; size: number }[] = [];
      for (const { name, kind } of await files.list(layout.objects)) {
        const bytes = kind === 'file' && isObjectId(name) ? await size(name) : undefined;
        if (bytes !== undefined) objects.push({ id: name, size: bytes });
      }
      return objects;
    },
    has: async (id) => isObjectId(id) && (await size(id)) !== undefined,
    isIntact: async (id) => isObjectId(id) && (await isIntact(id)),
    size: async (id) => (isObjectId(id) ? size(id) : undefined),
    put: async (id, save, expectedSize = 0) => {
      if (!isObjectId(id)) return { ok: false, code: 'bad-name' };
      onActivity();
      if (await isIntact(id)) return { ok: true, outcome: 'present' };
      const first = await space();
      if (expectedSize > first.realFree) return { ok: false, code: 'no-space', available: first.realFree };
      return receive(id, save, first);
    },
    remove: async (id) => {
      if (isObjectId(id)) await removeDurable(files, layout.object(id));
    },
    uploads: () => running,
    removeLeftovers: async () => {
      let removed = false;
      for (const { name, kind } of await files.list(layout.objects)) {
        if (kind !== 'file' || !name.endsWith('.tmp') || running.has(name)) continue;
        removed = (await unlessCode('ENOENT', files.unlink(`${layout.objects}/${name}`))) || removed;
      }
      if (removed) await files.syncDirectory(layout.objects);
    },
  };
}
