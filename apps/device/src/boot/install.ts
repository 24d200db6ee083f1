/** Installing one's own revision from files: `--state FILE --objects DIR`. */
import type { ParseContext } from '@pantavisor/state';
import { type Files, HostError } from '../host/ports.ts';
import { readState } from '../revision/load.ts';
import { Failure } from '../runtime/failure.ts';
import { factoryRevision } from '../storage/factory.ts';
import type { StorageLayout } from '../storage/layout.ts';
import type { ObjectStore } from '../storage/objects.ts';
import { readStateText, storeRevision } from '../storage/revisions.ts';

const stateLimit = 64 * 1024 * 1024;

export interface OwnRevision {
  state: string;
  /** Directory of objects by id; without it the storage must have them. */
  objects: string | undefined;
}

/**
 * Installs a state document as the factory revision. A storage that has this very revision already is left as it is; missing
 * or damaged objects are said and stop only the containers that need them.
 * @returns one sentence for each object that could not be taken in
 * @throws Failure `file-missing`, `state-invalid`, `state-conflict`, `storage-full`
 */
export async function installOwnRevision(
  {
    files,
    layout,
    objects,
    context,
  }: { files: Files; layout: StorageLayout; objects: ObjectStore; context: ParseContext },
  own: OwnRevision,
): Promise<string[]> {
  const text = await readOwnState(files, own.state);
  const { state } = readState(text, context, own.state);
  const installed = await readStateText(files, layout, factoryRevision);
  if (installed !== undefined && installed !== text) {
    throw new Failure(
      'state-conflict',
      `cannot install ${own.state}: the storage has another revision ${factoryRevision}`,
      {
        file: layout.revision(factoryRevision).state,
        hint: 'use a fresh --storage, or leave --state away to run what is installed',
      },
    );
  }
  const problems: string[] = [];
  if (own.objects !== undefined) {
    for (const id of new Set(state.objects.map((entry) => entry.id))) {
      const problem = await takeObject(files, objects, `${own.objects}/${id}`, id);
      if (problem !== undefined) problems.push(problem);
    }
  }
  await storeRevision(files, layout, factoryRevision, text);
  return problems;
}

async function readOwnState(files: Files, path: string): Promise<string> {
  try {
    return await files.readText(path, stateLimit);
  } catch (cause) {
    const why = cause instanceof HostError ? cause.code : String(cause);
    throw new Failure('file-missing', `cannot read the state ${path}: ${why}`, { file: path, cause });
  }
}

async function takeObject(files: Files, objects: ObjectStore, source: string, id: string): Promise<string | undefined> {
  if ((await files.status(source, { follow: true })) === undefined)
    return (await objects.has(id)) ? undefined : `cannot take object ${id} in: ${source} is missing`;
  const outcome = await objects.put(id, async (path) => {
    await files.copy(source, path, 0o644);
    await files.sync(path);
    const status = await files.status(path);
    return { size: status?.size ?? 0, sha256: await files.digest(path) };
  });
  if (outcome.ok) return undefined;
  if (outcome.code === 'bad-checksum') return `cannot take object ${id} in: ${source} has SHA-256 ${outcome.sha256}`;
  if (outcome.code === 'bad-name') return `cannot take object ${id} in: its name is no SHA-256`;
  throw new Failure('storage-full', `cannot take object ${id} in: only ${outcome.available} bytes are free`, {
    file: source,
    hint: 'free some space, or use another --storage',
  });
}
