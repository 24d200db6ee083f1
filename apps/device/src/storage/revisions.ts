/** Revisions on disk: their states, marks and messages, and how whole ones come and go (storage.md §2, §9; control.md, PUT steps). */
import type { Files } from '../host/ports.ts';
import {
  isCode,
  makeTree,
  nameOf,
  parentOf,
  readIfThere,
  removeTree,
  replaceSymlink,
  writeDurable,
} from './durable.ts';
import type { StorageLayout } from './layout.ts';
import { isRevisionName } from './revision-name.ts';

/** States above this are refused when read. */
const stateLimit = 64 * 1024 * 1024;
/** Names of working directories beside revisions; they never count as revisions. */
const prefixes = { fresh: '.new-', replaced: '.old-', removed: '.removing-' } as const;

const sibling = (directory: string, prefix: string) => `${parentOf(directory)}/${prefix}${nameOf(directory)}`;

/** Names of all revisions with a directory, with or without a state: the Hub's first, then local ones, each in string order. */
export async function listRevisions(files: Files, layout: StorageLayout): Promise<string[]> {
  const names = async (directory: string, prefix: string) => {
    try {
      const entries = await files.list(directory);
      return entries.filter(({ kind }) => kind === 'directory').map(({ name }) => `${prefix}${name}`);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return [];
      throw error;
    }
  };
  const all = [...(await names(layout.trails, '')), ...(await names(`${layout.trails}/locals`, 'locals/'))];
  return all.filter(isRevisionName);
}

/** State of a revision, byte exact, or undefined when there is none. */
export function readStateText(files: Files, layout: StorageLayout, revision: string): Promise<string | undefined> {
  return readIfThere(files, layout.revision(revision).state, stateLimit);
}

/**
 * Stores a state under the name of a revision. A revision of that name with another state is replaced as a whole, with its links, progress and
 * volumes, since nothing of it would fit.
 * Cut: the earlier revision, or none, or the new one; `recoverRevisions` has to run at the next start.
 * @returns false when the revision had this very state already; then nothing is changed
 */
export async function storeRevision(
  files: Files,
  layout: StorageLayout,
  revision: string,
  state: string,
): Promise<boolean> {
  const paths = layout.revision(revision);
  const { directory } = paths;
  const fresh = sibling(directory, prefixes.fresh);
  const replaced = sibling(directory, prefixes.replaced);
  // Left by a call that failed: what they stand for must be gone before the name means something new.
  for (const left of [replaced, sibling(directory, prefixes.removed)])
    if ((await files.status(left)) !== undefined) await forget(files, layout, revision, left);
  const existing = await readStateText(files, layout, revision);
  if (existing === state) return false;
  if (existing === undefined) {
    await makeTree(files, parentOf(paths.state));
    await writeDurable(files, paths.state, state);
    return true;
  }
  await removeTree(files, fresh);
  try {
    await makeTree(files, `${fresh}/.pvr`);
    await writeDurable(files, `${fresh}/.pvr/json`, state);
    await files.rename(directory, replaced);
    // Were only the second move to survive, the old volumes and logs would become those of the new state.
    await files.syncDirectory(parentOf(directory));
    await files.rename(fresh, directory);
    await files.syncDirectory(parentOf(directory));
  } catch (error) {
    await putBack(files, directory, replaced, fresh);
    throw error;
  }
  await forget(files, layout, revision, replaced);
  return true;
}

/** A replacement has failed: the earlier revision stays. What cannot be undone now is undone by the next start. */
async function putBack(files: Files, directory: string, replaced: string, fresh: string): Promise<void> {
  try {
    if ((await files.status(replaced)) !== undefined) {
      if ((await files.status(directory)) !== undefined) await files.rename(directory, fresh);
      await files.rename(replaced, directory);
    }
    await files.syncDirectory(parentOf(directory));
    await removeTree(files, fresh);
  } catch {
    // The failure that led here is the one that is said.
  }
}

/** Removes what belonged to a revision whose directory was moved out of the way; the directory last, since it remembers that this is to be done. */
async function forget(files: Files, layout: StorageLayout, revision: string, movedTo: string): Promise<void> {
  const { logs, volumes } = layout.revision(revision);
  await removeTree(files, volumes);
  await removeTree(files, logs);
  await removeTree(files, movedTo);
}

/**
 * Removes a revision with its logs and its own volumes. Objects stay; the collector removes those that nothing links to.
 * Cut: the whole revision, or none of it after `recoverRevisions`.
 */
export async function removeRevision(files: Files, layout: StorageLayout, revision: string): Promise<void> {
  const { directory } = layout.revision(revision);
  const removed = sibling(directory, prefixes.removed);
  await removeTree(files, removed);
  if ((await files.status(directory)) !== undefined) {
    await files.rename(directory, removed);
    await files.syncDirectory(parentOf(directory));
  }
  await forget(files, layout, revision, removed);
}

/** Ends what a power cut has interrupted; call it once at start, before anything reads revisions. @returns what it did, for the log */
export async function recoverRevisions(files: Files, layout: StorageLayout): Promise<string[]> {
  const done: string[] = [];
  for (const [parent, prefix] of [
    [layout.trails, ''],
    [`${layout.trails}/locals`, 'locals/'],
  ] as const) {
    if ((await files.status(parent)) === undefined) continue;
    for (const { name } of await files.list(parent)) {
      const path = `${parent}/${name}`;
      const found = Object.values(prefixes).find((candidate) => name.startsWith(candidate));
      if (found === undefined) {
        if (name.endsWith('.tmp') && (await files.status(path))?.kind === 'symlink') await files.unlink(path);
        continue;
      }
      const revision = `${prefix}${name.slice(found.length)}`;
      const exists =
        isRevisionName(revision) && (await files.status(layout.revision(revision).directory)) !== undefined;
      if (found === prefixes.replaced && !exists && isRevisionName(revision)) {
        await files.rename(path, layout.revision(revision).directory);
        await files.syncDirectory(parent);
        done.push(`revision ${revision}: its replacement was interrupted, the earlier one is back`);
      } else if (found === prefixes.fresh || !isRevisionName(revision)) await removeTree(files, path);
      else {
        await forget(files, layout, revision, path);
        done.push(
          `revision ${revision}: its ${exists ? 'replacement' : 'removal'} was interrupted and is finished now`,
        );
      }
    }
  }
  return done;
}

/** Points `trails/current` and `logs/current` to a revision. */
export async function setCurrent(files: Files, layout: StorageLayout, revision: string): Promise<void> {
  await makeTree(files, layout.revision(revision).directory);
  await makeTree(files, layout.logs);
  for (const link of [layout.current, layout.currentLogs]) {
    if ((await linkTarget(files, link)) !== revision) await replaceSymlink(files, revision, link);
  }
}

async function linkTarget(files: Files, link: string): Promise<string | undefined> {
  return (await files.status(link))?.kind === 'symlink' ? files.readLink(link) : undefined;
}

/** Revision that `trails/current` names, if any. */
export function readCurrent(files: Files, layout: StorageLayout): Promise<string | undefined> {
  return linkTarget(files, layout.current);
}

/** Writes the mark of a revision that became the rollback point. */
export async function markDone(files: Files, layout: StorageLayout, revision: string): Promise<void> {
  const { device, done } = layout.revision(revision);
  if ((await files.status(done)) !== undefined) return;
  await makeTree(files, device);
  await writeDurable(files, done, '');
}

export async function isDone(files: Files, layout: StorageLayout, revision: string): Promise<boolean> {
  return (await files.status(layout.revision(revision).done)) !== undefined;
}

/** Longest commit message in bytes. */
export const commitMessageLimit = 256;

/** Saves the commit message of a revision, which need not exist yet. The caller checks the length. */
export async function saveCommitMessage(
  files: Files,
  layout: StorageLayout,
  revision: string,
  message: string | Uint8Array,
): Promise<void> {
  const { device, commitMessage } = layout.revision(revision);
  await makeTree(files, device);
  await writeDurable(files, commitMessage, message);
}

/** Writes `.pvr/config` for pvr on the device, unless it is there. */
export async function writeObjectsConfig(files: Files, layout: StorageLayout, revision: string): Promise<void> {
  const { objectsConfig } = layout.revision(revision);
  if ((await files.status(objectsConfig)) !== undefined) return;
  await makeTree(files, parentOf(objectsConfig));
  // With one space after the colon, as pvr and the original write it.
  await writeDurable(files, objectsConfig, `{"ObjectsDir": ${JSON.stringify(layout.objects)}}`);
}
