import { createHash } from 'node:crypto';
import type { Db } from '../db/schema.ts';
import { Failure } from '../http/failure.ts';
import { canonicalJson } from '../http/json.ts';
import type { Hub } from '../hub.ts';
import { isSha } from '../names/ids.ts';
import { type ObjectRow, objectStore, storageIdOf } from '../objects/store.ts';
import { demandObjectQuota } from '../plans/plans.ts';
import type { StepRow } from './store.ts';

const specs = ['pantavisor-multi-platform@1', 'pantavisor-service-embed@1', 'pantavisor-service-system@1'];

export interface NamedObject {
  /** key of the state */
  name: string;
  sha: string;
}

/** Which objects a state names: every key but `#spec` and those ending in `.json` (hub-api §6.5). */
export function objectsOf(state: Record<string, unknown>): { objects: NamedObject[]; problems: string[] } {
  const objects: NamedObject[] = [];
  const problems: string[] = [];
  for (const [name, sha] of Object.entries(state)) {
    if (name === '#spec' || name.endsWith('.json')) continue;
    if (isSha(sha)) objects.push({ name, sha });
    else problems.push(`'${name}' names no object: its value is no SHA-256`);
  }
  return { objects, problems };
}

/** A state that was checked as far as its text alone allows. */
export interface CheckedState {
  text: string;
  sha: string;
  objects: (NamedObject & { storageId: string })[];
  /** storage ids, each once */
  used: string;
}

/** @throws Failure 500 (what old clients expect) with all problems found */
export function checkState(state: Record<string, unknown>, owner: string): CheckedState {
  const { objects, problems } = objectsOf(state);
  const spec = state['#spec'];
  if (Object.keys(state).length > 0 && !specs.includes(String(spec)))
    problems.unshift(
      `'#spec' is ${spec === undefined ? 'missing' : `'${String(spec)}'`}; known are ${specs.join(', ')}`,
    );
  if (problems.length > 0)
    throw new Failure('bad-request', `cannot accept the state: ${problems.slice(0, 10).join('; ')}`, { status: 500 });
  const text = canonicalJson(state);
  return { text, sha: createHash('sha256').update(text).digest('hex'), ...ownedBy(owner, objects) };
}

/** The state of a revision as it was stored, for the trail of another owner. */
export function storedState({ state, state_sha }: Pick<StepRow, 'state' | 'state_sha'>, owner: string): CheckedState {
  const { objects } = objectsOf(JSON.parse(state) as Record<string, unknown>);
  return { text: state, sha: state_sha, ...ownedBy(owner, objects) };
}

function ownedBy(owner: string, objects: readonly NamedObject[]): Pick<CheckedState, 'objects' | 'used'> {
  const named = objects.map((object) => ({ ...object, storageId: storageIdOf(owner, object.sha) }));
  return { objects: named, used: canonicalJson([...new Set(named.map(({ storageId }) => storageId))]) };
}

/**
 * Makes sure that the owner has the content of every object of a state, linking to public ones of others where allowed.
 * Runs in the transaction that stores the step, so that nothing is collected in between.
 * @throws Failure object-missing naming them
 */
export async function demandObjects(
  hub: Hub,
  tx: Db,
  owner: string,
  state: CheckedState,
  autolink: boolean,
): Promise<void> {
  const rows = await objectStore.findMany(tx, [...new Set(state.objects.map(({ storageId }) => storageId))]);
  const sources = await objectStore.findMany(
    tx,
    [...rows.values()].flatMap(({ linked }) => linked ?? []),
  );
  const missing: string[] = [];
  const seen = new Set<string>();
  for (const { name, sha, storageId } of state.objects) {
    if (seen.has(storageId)) continue;
    seen.add(storageId);
    const row = rows.get(storageId);
    const stored = row?.linked == null ? row?.stored : sources.get(row.linked)?.stored;
    if (stored === 1) continue;
    if (!autolink || !(await link(hub, tx, owner, { name, sha, storageId }))) missing.push(`${name} (${sha})`);
  }
  if (missing.length > 0)
    throw new Failure(
      'object-missing',
      `cannot store the revision: ${missing.length} of its objects were never uploaded: ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}`,
    );
}

async function link(
  hub: Hub,
  tx: Db,
  owner: string,
  { name, sha, storageId }: NamedObject & { storageId: string },
): Promise<boolean> {
  const source = await objectStore.publicSource(tx, sha, owner);
  if (source === undefined) return false;
  await demandObjectQuota(hub, tx, owner, storageId, source.size);
  const now = hub.clock();
  const row: ObjectRow = {
    ...source,
    storage_id: storageId,
    owner,
    name,
    linked: source.storage_id,
    stored: 0,
    created: now,
    modified: now,
  };
  await objectStore.save(tx, row);
  return true;
}
