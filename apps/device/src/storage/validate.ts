/** Proving that a revision's files are what its state says, before anything of it is started (storage.md §2.2). */
import type { InlineJson, ObjectEntry } from '@pantavisor/state';
import type { FileStatus, Files } from '../host/ports.ts';
import { makeTree, parentOf, readIfThere, writeDurable } from './durable.ts';
import { restoreObject, type StateFiles } from './expand.ts';
import type { StorageLayout } from './layout.ts';
import { checkStateKey, isCopied } from './state-keys.ts';

export type ValidationCode =
  /** Neither the file nor its object is there. */
  | 'object-missing'
  /** The file is there but is not the object's: something replaced it. */
  | 'object-not-linked'
  /** The content has another SHA-256 than the state says. */
  | 'object-digest'
  /** The file is not the exact text of the state. */
  | 'json-differs';

/** One file that is not what the state says. */
export interface ValidationProblem {
  code: ValidationCode;
  /** Key in the state. */
  file: string;
  /** Name of the container that owns it; absent when it belongs to the board. */
  owner?: string;
  /** One sentence. */
  message: string;
}

export interface Validation {
  /** Empty when the revision may run. In the order of the state. */
  problems: ValidationProblem[];
  /** Keys whose lost file was put back, from the object or the state. */
  restored: string[];
}

/** Keys that begin so are verified by the boot chain, which has read them already. */
const verifiedByBoot = ['bsp/pantavisor', 'bsp/kernel.img', 'bsp/fit-image.its'];
/** Hashing is the slow part; so many files are read at the same time. */
const parallel = 4;

/** Keys of volumes that dm-verity checks while they are read: `data_device` of manifests `<container>/_dm/<volume>.json`. */
function verifiedByKernel(inline: readonly InlineJson[]): Set<string> {
  const keys = new Set<string>();
  for (const { path, text } of inline) {
    const container = path.split('/')[0];
    if (!path.endsWith('.json') || !text.includes('dm-verity')) continue;
    let manifest: unknown;
    try {
      manifest = JSON.parse(text);
    } catch {
      continue;
    }
    if (typeof manifest !== 'object' || manifest === null) continue;
    const { type, data_device: device } = manifest as Record<string, unknown>;
    if (type === 'dm-verity' && typeof device === 'string') keys.add(`${container}/${device}`);
  }
  return keys;
}

/**
 * Checks every file of a revision. A file that is lost is put back, when its object is there and intact.
 * A copied file (`.bind`) belongs to the containers that may have written to it: it only has to be there.
 * Fails with `state-key` for a key that is no path.
 * @param checkContent false skips SHA-256 and texts (`PV_SECUREBOOT_CHECKSUM=0`), what is missing is still put back
 */
export async function validateRevision(
  files: Files,
  layout: StorageLayout,
  revision: string,
  state: StateFiles,
  checkContent = true,
): Promise<Validation> {
  const { directory } = layout.revision(revision);
  for (const { path } of [...state.objects, ...state.inline]) checkStateKey(path);
  const trusted = verifiedByKernel(state.inline);
  const restored: string[] = [];
  /** Objects may stand in a state under several keys; each is hashed once. */
  const digests = new Map<string, Promise<string>>();

  function digest(id: string): Promise<string> {
    const known = digests.get(id) ?? files.digest(layout.object(id));
    digests.set(id, known);
    return known;
  }

  async function checkObject({ path, id, owner }: ObjectEntry): Promise<ValidationProblem | undefined> {
    const file = `${directory}/${path}`;
    const problem = (code: ValidationCode, message: string): ValidationProblem => ({
      code,
      file: path,
      ...(owner !== undefined && { owner }),
      message,
    });
    const object = await files.status(layout.object(id));
    let status: FileStatus | undefined = await files.status(file);
    const lost = status === undefined;
    if (lost) {
      if (object === undefined) return problem('object-missing', `cannot find ${path}, nor its object ${id}`);
      if (checkContent && (await digest(id)) !== id)
        return problem('object-digest', `cannot put back ${path}: its object ${id} is damaged`);
      await restoreObject(files, layout.object(id), file);
      restored.push(path);
      status = await files.status(file);
    }
    if (isCopied(path)) return undefined;
    if (status?.kind !== 'file' || object === undefined || status.inode !== object.inode)
      return problem('object-not-linked', `cannot trust ${path}: it is not the file of its object ${id}`);
    if (!checkContent || trusted.has(path) || verifiedByBoot.some((start) => path.startsWith(start))) return undefined;
    const actual = await digest(id);
    return actual === id
      ? undefined
      : problem('object-digest', `cannot trust ${path}: its SHA-256 is ${actual}, the state says ${id}`);
  }

  async function checkInline({ path, text, owner }: InlineJson): Promise<ValidationProblem | undefined> {
    const file = `${directory}/${path}`;
    if ((await files.status(file)) === undefined) {
      await makeTree(files, parentOf(file));
      await writeDurable(files, file, text);
      restored.push(path);
    }
    if (!checkContent || (await readIfThere(files, file, text.length * 4)) === text) return undefined;
    const message = `cannot trust ${path}: it is not the exact text of the state`;
    return { code: 'json-differs', file: path, ...(owner !== undefined && { owner }), message };
  }

  const problems = [
    ...(await inParallel(state.objects, checkObject)),
    ...(await inParallel(state.inline, checkInline)),
  ].filter((found) => found !== undefined);
  return { problems, restored: restored.sort() };
}

/** Applies an asynchronous function to all items, some at a time; results in the order of items. */
async function inParallel<T, R>(items: readonly T[], apply: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next;
      next += 1;
      const item = items[index];
      if (item !== undefined) results[index] = await apply(item);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}
