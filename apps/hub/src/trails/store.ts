import type { Progress } from '@pantavisor/hub-api';
import type { Selectable } from 'kysely';
import type { Db, Tables } from '../db/schema.ts';
import { CanonicalText } from '../http/json.ts';
import { wireTime } from '../names/times.ts';

export type TrailRow = Selectable<Tables['trails']>;
export type StepRow = Selectable<Tables['steps']>;

export const stepId = (trail: string, rev: number) => `${trail}-${rev}`;
/** Statuses a device still has work with (hub-client §1.4). */
export const openStatuses = ['NEW', 'QUEUED', 'DOWNLOADING', 'INPROGRESS', 'TESTING'] as const;

/** Statuses of a revision that has proved itself on its device. */
export const provenStatuses = ['DONE', 'UPDATED'] as const;

export const trailStore = {
  find: (db: Db, id: string): Promise<TrailRow | undefined> =>
    db.selectFrom('trails').selectAll().where('id', '=', id).where('garbage_since', 'is', null).executeTakeFirst(),

  step: (db: Db, trail: string, rev: number): Promise<StepRow | undefined> =>
    db.selectFrom('steps').selectAll().where('id', '=', stepId(trail, rev)).executeTakeFirst(),

  insertStep: async (db: Db, row: StepRow, objects: readonly { storageId: string; sha: string }[]): Promise<void> => {
    await db.insertInto('steps').values(row).execute();
    await trailStore.useObjects(db, row.id, objects, row.modified);
  },

  /** Records which objects a step uses; a reference also renews their grace time. */
  useObjects: async (
    db: Db,
    id: string,
    objects: readonly { storageId: string; sha: string }[],
    now: number,
  ): Promise<void> => {
    const unique = [...new Map(objects.map((object) => [object.storageId, object])).values()];
    const chunk = 300;
    for (let index = 0; index < unique.length; index += chunk) {
      const some = unique.slice(index, index + chunk);
      await db
        .insertInto('step_objects')
        .values(some.map(({ storageId, sha }) => ({ step_id: id, storage_id: storageId, sha })))
        .execute();
      const ids = some.map(({ storageId }) => storageId);
      await db.updateTable('objects').set({ modified: now }).where('storage_id', 'in', ids).execute();
    }
  },
};

/** The progress of a step nobody has begun with (hub-api §6.1). */
export const emptyProgress = (status: string, more: Partial<Progress> = {}): Progress => ({
  downloads: { objects: null, total: { current_time: 0, start_time: 0, total_downloaded: 0, total_size: 0 } },
  log: '',
  progress: 0,
  status,
  'status-msg': '',
  ...more,
});

/** A step with its documents as they were stored, byte for byte. */
export function wireStep(row: StepRow): Record<string, unknown> {
  return {
    'commit-msg': row.commit_msg,
    committer: '',
    device: row.device,
    garbage: false,
    id: row.id,
    mark_public_processed: true,
    meta: new CanonicalText(row.meta),
    owner: row.owner,
    progress: new CanonicalText(row.progress),
    'progress-time': wireTime(row.progress_time),
    rev: row.rev,
    state: new CanonicalText(row.state),
    'state-sha': row.state_sha,
    'step-time': wireTime(row.step_time),
    'time-created': wireTime(row.created),
    'time-modified': wireTime(row.modified),
    'trail-id': row.trail_id,
    used_objects: new CanonicalText(row.used_objects),
  };
}

export function wireTrail(
  row: TrailRow,
  factory: Pick<StepRow, 'state' | 'used_objects'> | undefined,
): Record<string, unknown> {
  return {
    device: row.device,
    'factory-state': new CanonicalText(factory?.state ?? '{}'),
    id: row.id,
    'last-insync': wireTime(row.last_insync),
    'last-touched': wireTime(row.last_touched),
    owner: row.owner,
    used_objects: new CanonicalText(factory?.used_objects ?? '[]'),
  };
}
