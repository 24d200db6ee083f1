import type { Principal } from '../auth/principal.ts';
import { demand, type Need } from '../auth/verdict.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { isHexId } from '../names/ids.ts';
import { type StepRow, type TrailRow, trailStore } from './store.ts';

export interface Trail extends TrailRow {
  isPublic: boolean;
}

/** The status that old clients expect for a trail or step that is not there or not theirs differs by route (hub-api §6.3). */
export interface Refusals {
  missing: number;
  forbidden: number;
}

/** A trail the caller may deal with in this way. */
export async function trailFor(
  hub: Hub,
  caller: Principal,
  id: string,
  need: Need,
  { missing, forbidden }: Refusals,
): Promise<Trail> {
  const row = isHexId(id)
    ? await hub.db
        .selectFrom('trails')
        .innerJoin('devices', 'devices.id', 'trails.id')
        .selectAll('trails')
        .select('devices.is_public')
        .where('trails.id', '=', id)
        .where('trails.garbage_since', 'is', null)
        .executeTakeFirst()
    : undefined;
  if (row === undefined) throw new Failure('not-found', `cannot find trail '${id}'`, { status: missing });
  const isPublic = row.is_public !== 0;
  demand(caller, need, { name: `trail ${id}`, owner: row.owner, device: row.device, public: isPublic }, forbidden);
  return { ...row, isPublic };
}

/** A step of a trail the caller may deal with in this way. */
export async function stepFor(
  hub: Hub,
  caller: Principal,
  params: { id: string; rev: string },
  need: Need,
  refusals: Refusals,
): Promise<{ trail: Trail; step: StepRow }> {
  const trail = await trailFor(hub, caller, params.id, need, refusals);
  const step = /^\d{1,9}$/.test(params.rev) ? await trailStore.step(hub.db, trail.id, Number(params.rev)) : undefined;
  if (step === undefined)
    throw new Failure('not-found', `cannot find revision '${params.rev}' of trail ${trail.id}`, {
      status: refusals.missing,
    });
  return { trail, step };
}
