/** Running the garbage collector (storage.md §7). */
import type { Files } from '../host/ports.ts';
import { isCode, removeTree, unlessCode } from './durable.ts';
import { type KeepRules, objectIdsOf, removableObjects, removableRevisions, type StoredFile } from './garbage.ts';
import type { StorageLayout } from './layout.ts';
import { listRevisions, readStateText, removeRevision } from './revisions.ts';

export interface Collected {
  /** Names of the removed revisions. */
  revisions: string[];
  /** Number of removed files in the objects directory, unfinished uploads included. */
  objects: number;
  /** Sum of their sizes in bytes; files of revisions that were no links do not count. */
  reclaimed: number;
}

/**
 * Removes the revisions that no rule keeps, then the objects that nothing needs: neither a link, nor the state of a revision that stays, nor
 * `needed`, nor a running upload.
 * Cut: some of it is gone, each revision and object whole or not at all; the next run takes the rest.
 * @param needed ids of further objects, e.g. of a state that is being downloaded and not stored yet
 * @param uploads names of files that uploads write to, see `ObjectStore.uploads`; asked after the revisions are gone
 */
export async function collectGarbage(
  files: Files,
  layout: StorageLayout,
  rules: KeepRules,
  needed: Iterable<string>,
  uploads: () => ReadonlySet<string>,
): Promise<Collected> {
  const revisions = await listRevisions(files, layout);
  const removable = removableRevisions(revisions, rules);
  for (const revision of removable) await removeRevision(files, layout, revision);
  await removeStrayVolumes(files, layout);
  const kept = new Set(needed);
  for (const revision of revisions) {
    if (removable.includes(revision)) continue;
    const text = await readStateText(files, layout, revision);
    for (const id of objectIdsOf(text ?? '')) kept.add(id);
  }
  const objects = removableObjects(await storedFiles(files, layout), kept, uploads());
  for (const { name } of objects) await unlessCode('ENOENT', files.unlink(`${layout.objects}/${name}`));
  if (objects.length > 0) await files.syncDirectory(layout.objects);
  return {
    revisions: removable,
    objects: objects.length,
    reclaimed: objects.reduce((sum, { size }) => sum + size, 0),
  };
}

async function storedFiles(files: Files, layout: StorageLayout): Promise<StoredFile[]> {
  const stored: StoredFile[] = [];
  for (const { name, kind } of await files.list(layout.objects)) {
    const status = kind === 'file' ? await files.status(`${layout.objects}/${name}`) : undefined;
    if (status !== undefined) stored.push({ name, size: status.size, links: status.links });
  }
  return stored;
}

/** Removes volumes of revisions that are gone, left by other versions of the program. */
async function removeStrayVolumes(files: Files, layout: StorageLayout): Promise<void> {
  const known = new Set(await listRevisions(files, layout));
  for (const name of await namesIn(files, layout.revisionVolumes))
    if (name !== 'locals' && !known.has(name)) await removeTree(files, `${layout.revisionVolumes}/${name}`);
  for (const name of await namesIn(files, `${layout.revisionVolumes}/locals`))
    if (!known.has(`locals/${name}`)) await removeTree(files, `${layout.revisionVolumes}/locals/${name}`);
}

async function namesIn(files: Files, directory: string): Promise<string[]> {
  try {
    return (await files.list(directory)).map(({ name }) => name);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return [];
    throw error;
  }
}
