import type { Principal } from '../auth/principal.ts';
import { judge } from '../auth/verdict.ts';
import { type DeviceRow, deviceResource, deviceStore } from '../devices/store.ts';
import { canonicalJson } from '../http/json.ts';
import type { Hub } from '../hub.ts';
import { storedState } from '../trails/state.ts';
import { appendStep } from '../trails/steps.ts';
import { emptyProgress, provenStatuses, type StepRow, trailStore } from '../trails/store.ts';

/** Notes that a revision posted for a follower carries: where it comes from, and the device where it first was. */
const note = {
  leader: 'pvr-auto-follow.leader',
  rev: 'pvr-auto-follow.rev',
  origin: 'pvr-auto-follow.origin',
} as const;
const marker = `"${note.leader}":`;

/** A device, and its newest revision that has proved itself. */
export interface Leader {
  device: DeviceRow;
  step: StepRow;
  /** for messages: `user/device` */
  name: string;
}

/** The newest revision of a trail that its device runs, or ran, without fault. */
export async function provenStep(hub: Hub, trail: string): Promise<StepRow | undefined> {
  return hub.db
    .selectFrom('steps')
    .selectAll()
    .where('trail_id', '=', trail)
    .where('status', 'in', provenStatuses)
    .orderBy('rev', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/**
 * Posts the state of a leader to the trail of a follower, unless its newest revision has this state already, or the state once came
 * from the follower. Everything is looked at in the transaction that stores the step, with the trail locked: two hubs, or one that
 * begins anew after a crash, post it once. What followed earlier and was never begun with is taken back, so that a device that
 * was away goes to the newest state at once.
 * @returns number of the new revision
 * @throws Failure when an object is out of the owner's reach, or the quota is used up
 */
export async function postToFollower(
  hub: Hub,
  { device: leader, step, name }: Leader,
  follower: string,
): Promise<number | undefined> {
  const notes = JSON.parse(step.meta) as Record<string, unknown>;
  const origin = typeof notes[note.origin] === 'string' ? String(notes[note.origin]) : leader.id;
  if (follower === leader.id || follower === origin) return undefined;
  const posted = await hub.writer.write(async (tx) => {
    const device = await deviceStore.find(tx, follower);
    if (device === undefined || device.owner === '' || !mayRead(device.owner, leader)) return undefined;
    // A change that changes nothing locks the row until the commit.
    const trail = await tx
      .updateTable('trails')
      .set((is) => ({ last_rev: is('last_rev', '+', 0) }))
      .where('id', '=', follower)
      .where('garbage_since', 'is', null)
      .returningAll()
      .executeTakeFirst();
    if (trail === undefined) return undefined;
    const newest = await trailStore.step(tx, follower, trail.last_rev);
    if (newest?.state_sha === step.state_sha) return undefined;
    const replaced = await takeBack(hub, tx, follower);
    const row = await appendStep(hub, tx, trail, {
      rev: -1,
      state: storedState(step, trail.owner),
      autolink: true,
      commit_msg: `${name} revision ${step.rev}${step.commit_msg === '' ? '' : `: ${step.commit_msg}`}`,
      meta: canonicalJson({ [note.leader]: leader.id, [note.rev]: step.rev, [note.origin]: origin }),
    });
    return { owner: trail.owner, rev: row.rev, replaced };
  });
  if (posted === undefined) return undefined;
  const { owner, rev, replaced } = posted;
  for (const old of replaced)
    hub.bus.tell({ kind: 'step', what: 'cancelled', device: follower, owner, rev: old, progress: superseded });
  hub.bus.tell({ kind: 'step', what: 'created', device: follower, owner, rev });
  return rev;
}

/** The owner of a follower must be able to read the leader: it is theirs, or public. */
function mayRead(owner: string, leader: DeviceRow): boolean {
  const person: Pick<Principal, 'type' | 'anonymous' | 'prn' | 'owner'> = {
    type: 'USER',
    anonymous: false,
    prn: owner,
    owner,
  };
  return judge(person as Principal, 'read', deviceResource(leader)).allowed;
}

const superseded = emptyProgress('CANCEL', {
  progress: 100,
  'status-msg': 'Superseded by a newer revision of the device it follows',
});

async function takeBack(hub: Hub, tx: Parameters<typeof appendStep>[1], trail: string): Promise<number[]> {
  const now = hub.clock();
  const rows = await tx
    .updateTable('steps')
    .set({ progress: canonicalJson(superseded), status: superseded.status, progress_time: now, modified: now })
    .where('trail_id', '=', trail)
    .where('status', '=', 'NEW')
    .where('progress_time', '=', 0)
    .where('meta', 'like', `%${marker}%`)
    .returning(['id', 'rev'])
    .execute();
  for (const { id } of rows)
    await tx
      .insertInto('step_reports')
      .values({
        step_id: id,
        time: now,
        status: superseded.status,
        status_msg: superseded['status-msg'],
        progress: superseded.progress,
      })
      .execute();
  return rows.map(({ rev }) => rev);
}
