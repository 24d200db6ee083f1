import type { Principal } from '../auth/principal.ts';
import { isDuplicate } from '../db/open.ts';
import type { Tx } from '../db/schema.ts';
import { callingDevice } from '../devices/find.ts';
import { deviceStore } from '../devices/store.ts';
import { followQueue } from '../followers/queue.ts';
import { Failure } from '../http/failure.ts';
import { canonicalJson } from '../http/json.ts';
import type { Hub } from '../hub.ts';
import { stepFor, trailFor } from './access.ts';
import { type CheckedState, checkState, demandObjects } from './state.ts';
import { emptyProgress, type StepRow, stepId, type TrailRow, trailStore } from './store.ts';

type State = Record<string, unknown>;

function newStep(
  hub: Hub,
  trail: { id: string; owner: string; device: string },
  rev: number,
  more: Partial<StepRow>,
): StepRow {
  const now = hub.clock();
  return {
    id: stepId(trail.id, rev),
    trail_id: trail.id,
    rev,
    owner: trail.owner,
    device: trail.device,
    commit_msg: '',
    state: '{}',
    state_sha: '',
    meta: '{}',
    progress: canonicalJson(emptyProgress('NEW')),
    status: 'NEW',
    progress_time: 0,
    step_time: now,
    used_objects: '[]',
    created: now,
    modified: now,
    ...more,
  };
}

/** Begins the trail of the calling device with its factory state as revision 0, in one transaction (hub-api §6.3). */
export async function createTrail(
  hub: Hub,
  caller: Principal,
  state: State,
): Promise<{ trail: TrailRow; factory: StepRow }> {
  const id = callingDevice(caller);
  if (id === undefined || caller.owner === '')
    throw new Failure(
      'not-permitted',
      'cannot begin a trail: only a device that is owned can; log in again after the claim',
    );
  const checked = checkState(state, caller.owner);
  const now = hub.clock();
  const trail: TrailRow = {
    id,
    owner: caller.owner,
    device: caller.prn,
    last_rev: 0,
    progress_rev: 0,
    status: 'DONE',
    last_insync: null,
    last_touched: now,
    garbage_since: null,
  };
  const factory = newStep(hub, trail, 0, {
    commit_msg: 'Factory State (rev 0)',
    state: checked.text,
    state_sha: checked.sha,
    used_objects: checked.used,
    progress: canonicalJson(emptyProgress('DONE')),
    status: 'DONE',
  });
  try {
    await hub.writer.write(async (tx) => {
      const device = await deviceStore.find(tx, id);
      if (device?.owner !== caller.owner)
        throw new Failure('not-permitted', 'cannot begin a trail: the device has another owner now; log in again');
      await demandObjects(hub, tx, caller.owner, checked, true);
      await tx.insertInto('trails').values(trail).execute();
      await trailStore.insertStep(tx, factory, checked.objects);
      for (const kind of ['leader', 'follower'] as const) await followQueue.add(tx, kind, id, now);
    });
  } catch (error) {
    if (isDuplicate(error))
      throw new Failure('already-exists', `cannot begin a trail: device ${id} has one`, { status: 500 });
    throw error;
  }
  hub.bus.tell({ kind: 'step', what: 'created', device: id, owner: trail.owner, rev: 0 });
  return { trail, factory };
}

export interface NewStep {
  rev?: number;
  'commit-msg'?: string;
  state?: State;
  meta?: State;
}

/**
 * Posts a revision. The number is taken in the transaction that stores the step, so numbers have neither gaps nor
 * duplicates whoever posts at the same time (hub-data §3).
 */
export async function postStep(
  hub: Hub,
  caller: Principal,
  id: string,
  body: NewStep,
  autolink: boolean,
): Promise<StepRow> {
  const trail = await trailFor(hub, caller, id, 'add', { missing: 500, forbidden: 403 });
  if (!['USER', 'SESSION', 'DEVICE'].includes(caller.type))
    throw new Failure('wrong-caller-type', `cannot post a revision as ${caller.type}`);
  // A missing rev means append: pvr --rev 0 leaves the member out.
  const { rev = -1, state = {} } = body;
  const checked = checkState(state, trail.owner);
  const texts = { commit_msg: body['commit-msg'] ?? '', meta: canonicalJson(body.meta ?? {}) };
  const row = await hub.writer.write((tx) => appendStep(hub, tx, trail, { rev, state: checked, autolink, ...texts }));
  hub.bus.tell({ kind: 'step', what: 'created', device: id, owner: trail.owner, rev: row.rev });
  return row;
}

/** Stores a step in a transaction; whoever calls tells the bus after it. @param step.rev -1 appends @throws Failure */
export async function appendStep(
  hub: Hub,
  tx: Tx,
  trail: Pick<TrailRow, 'id' | 'owner' | 'device'>,
  step: { rev: number; state: CheckedState; autolink: boolean; commit_msg: string; meta: string },
): Promise<StepRow> {
  const { rev, state, autolink, commit_msg, meta } = step;
  await demandObjects(hub, tx, trail.owner, state, autolink);
  const row = newStep(hub, trail, await takeRevision(tx, trail.id, rev, hub.clock()), {
    commit_msg,
    meta,
    state: state.text,
    state_sha: state.sha,
    used_objects: state.used,
  });
  await trailStore.insertStep(tx, row, state.objects);
  return row;
}

async function takeRevision(tx: Tx, trail: string, wanted: number, now: number): Promise<number> {
  const update = tx
    .updateTable('trails')
    .set((is) => ({ last_rev: is('last_rev', '+', 1), last_touched: now }))
    .where('id', '=', trail)
    .where('garbage_since', 'is', null);
  const taken = await (wanted === -1 ? update : update.where('last_rev', '=', wanted - 1))
    .returning('last_rev')
    .executeTakeFirst();
  if (taken !== undefined) return taken.last_rev;
  const current = await trailStore.find(tx, trail);
  if (current === undefined)
    throw new Failure('not-found', `cannot post to trail ${trail}: it was deleted`, { status: 500 });
  if (wanted >= 0 && wanted <= current.last_rev)
    throw new Failure(
      'revision-exists',
      `cannot post revision ${wanted}: it exists; the newest is ${current.last_rev}, -1 appends`,
    );
  throw new Failure(
    'no-such-revision',
    `cannot post revision ${wanted}: ${wanted - 1} does not exist; the newest is ${current.last_rev}, -1 appends`,
  );
}

/** Replaces the state of a revision that no device has begun with (hub-api §6.3). */
export async function replaceState(
  hub: Hub,
  caller: Principal,
  params: { id: string; rev: string },
  state: State,
): Promise<string> {
  const { trail, step } = await stepFor(hub, caller, params, 'own', { missing: 500, forbidden: 403 });
  const checked = checkState(state, trail.owner);
  const now = hub.clock();
  await hub.writer.write(async (tx) => {
    await demandObjects(hub, tx, trail.owner, checked, true);
    const done = await tx
      .updateTable('steps')
      .set({
        state: checked.text,
        state_sha: checked.sha,
        used_objects: checked.used,
        step_time: now,
        progress_time: 0,
        modified: now,
      })
      .where('id', '=', step.id)
      .where('status', '=', 'NEW')
      .where('progress_time', '=', 0)
      .executeTakeFirst();
    if (done.numUpdatedRows === 0n)
      throw new Failure(
        'wrong-state',
        `cannot replace the state of revision ${step.rev}: the device has begun with it`,
      );
    await tx.deleteFrom('step_objects').where('step_id', '=', step.id).execute();
    await trailStore.useObjects(tx, step.id, checked.objects, now);
    await tx.updateTable('trails').set({ last_touched: now }).where('id', '=', trail.id).execute();
  });
  hub.bus.tell({ kind: 'step', what: 'state', device: trail.id, owner: trail.owner, rev: step.rev });
  return checked.text;
}

/** Replaces the notes on a revision. */
export async function replaceMeta(
  hub: Hub,
  caller: Principal,
  params: { id: string; rev: string },
  meta: State,
): Promise<string> {
  const { trail, step } = await stepFor(hub, caller, params, 'own', { missing: 500, forbidden: 403 });
  const text = canonicalJson(meta);
  const change = { meta: text, modified: hub.clock() };
  await hub.writer.write((tx) => tx.updateTable('steps').set(change).where('id', '=', step.id).execute());
  hub.bus.tell({ kind: 'step', what: 'meta', device: trail.id, owner: trail.owner, rev: step.rev });
  return text;
}
