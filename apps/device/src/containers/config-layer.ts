/** The configuration layer of a container: files of `_config/<container>` laid over its root file system (containers.md §3.2). */
import type { Files } from '../host/ports.ts';
import { copyTree, removeTree } from '../volumes/directories.ts';

/**
 * Copies the configuration of a container afresh, links followed, modes kept.
 * @param source `_config/<container>` of the revision
 * @param layer directory that becomes a layer of the root overlay, `<C>/<container>`
 * @returns the layer, or undefined when the revision has none for this container
 */
export async function layConfiguration(files: Files, source: string, layer: string): Promise<string | undefined> {
  await removeTree(files, layer);
  if ((await files.status(source)) === undefined) return undefined;
  await copyTree(files, source, layer);
  return layer;
}

/** Removes the layer of a container that ended. */
export function removeConfiguration(files: Files, layer: string): Promise<void> {
  return removeTree(files, layer);
}
