/** Making a revision the factory revision (storage.md §9). */
import type { Files } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import type { StorageLayout } from './layout.ts';
import { readStateText, storeRevision } from './revisions.ts';

/** Name of the revision that a factory reset runs. */
export const factoryRevision = '0';

/**
 * Makes revision `0` a copy of another one's state; what was there before goes, with its logs and volumes. Running it is the caller's matter.
 * Cut: the earlier factory revision or the new one, after `recoverRevisions`.
 * @returns false when revision `0` has this state already
 * Fails with `state-missing` when the source has no state.
 */
export async function makeFactory(files: Files, layout: StorageLayout, source: string): Promise<boolean> {
  const state = await readStateText(files, layout, source);
  if (state === undefined)
    throw new Failure('state-missing', `cannot make revision ${source} the factory revision: it has no state`, {
      file: layout.revision(source).state,
    });
  return storeRevision(files, layout, factoryRevision, state);
}
