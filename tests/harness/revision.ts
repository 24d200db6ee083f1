/** Small revisions for tests and benchmarks, as files that a device installs. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerRecipe, RevisionRecipe } from '../../containers/src/recipe.ts';
import { buildRevision } from '../../containers/src/revision.ts';

export { type ProbeProgram, probeContainer } from '../../containers/probe/recipe.ts';
export { slowReadyContainer } from '../../containers/slow-ready/recipe.ts';

export interface RevisionFiles {
  /** Path of the state document, for `--state`. */
  state: string;
  /** Directory of its objects, for `--objects`. */
  objects: string;
  /** Id of each object by its key in the state. */
  ids: Record<string, string>;
}

/**
 * Builds a revision into `directory` (created when missing; a second revision in it shares the objects).
 * @param recipe containers alone, or with groups, network and members of one's own
 * @param name file name of the state document without its ending
 */
export async function writeRevision(
  directory: string,
  recipe: ContainerRecipe[] | RevisionRecipe,
  name = 'state',
): Promise<RevisionFiles> {
  await mkdir(directory, { recursive: true });
  const objects = join(directory, 'objects');
  const built = await buildRevision(Array.isArray(recipe) ? { containers: recipe } : recipe, objects);
  const state = join(directory, `${name}.json`);
  await writeFile(state, built.state);
  const members: [string, unknown][] = Object.entries(JSON.parse(built.state));
  const ids = members.filter(
    (member): member is [string, string] => typeof member[1] === 'string' && member[0] !== '#spec',
  );
  return { state, objects, ids: Object.fromEntries(ids) };
}
