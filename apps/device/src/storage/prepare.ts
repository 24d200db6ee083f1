/** What has to be true of a storage directory before a device works on it. */
import type { Files } from '../host/ports.ts';
import { makeTree, writeDurable } from './durable.ts';
import type { StorageLayout } from './layout.ts';
import type { ObjectStore } from './objects.ts';
import { recoverRevisions } from './revisions.ts';

/**
 * Makes the directories of an empty storage, and ends what a power cut has interrupted. Running it again changes nothing.
 * @returns what was repaired, one sentence each, for the log
 */
export async function prepareStorage(files: Files, layout: StorageLayout, objects: ObjectStore): Promise<string[]> {
  const directories = [layout.boot, layout.cache, layout.config, layout.disks, layout.logs, layout.objects];
  for (const directory of [...directories, `${layout.trails}/locals`]) await makeTree(files, directory);
  if ((await files.status(layout.mounted)) === undefined) await writeDurable(files, layout.mounted, '', 0o444);
  await objects.removeLeftovers();
  return recoverRevisions(files, layout);
}
