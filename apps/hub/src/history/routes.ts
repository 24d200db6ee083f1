import { historyRoutes, type MetaChange, type Progress, type StepOutline } from '@pantavisor/hub-api';
import type { Selectable } from 'kysely';
import { accountNick } from '../accounts/names.ts';
import type { Principal } from '../auth/principal.ts';
import { demand, judge } from '../auth/verdict.ts';
import type { Tables, Tx } from '../db/schema.ts';
import { deviceByName } from '../devices/find.ts';
import { deviceResource, deviceStore } from '../devices/store.ts';
import { Answer, type Served, serve } from '../http/call.ts';
import { boundedPageOf } from '../http/paging.ts';
import type { Hub } from '../hub.ts';
import { isHexId } from '../names/ids.ts';
import { wireTime } from '../names/times.ts';
import { trailFor } from '../trails/access.ts';

type Meta = Record<string, unknown>;
/** So many changes of the metadata of one device are kept. */
const kept = 1000;
const usualPage = '100';

/** Notes which keys of the user metadata of a device somebody changed; in the transaction that changes them. */
export async function noteMetaChanges(
  tx: Tx,
  { device, prn, time }: { device: string; prn: string; time: number },
  before: Meta,
  after: Meta,
): Promise<void> {
  const json = (meta: Meta, key: string) => (Object.hasOwn(meta, key) ? JSON.stringify(meta[key]) : null);
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const rows = names
    .map((name) => ({ device, prn, time, name, was: json(before, name), became: json(after, name) }))
    .filter(({ was, became }) => was !== became);
  if (rows.length === 0) return;
  const chunk = 100;
  for (let index = 0; index < rows.length; index += chunk)
    await tx
      .insertInto('meta_changes')
      .values(rows.slice(index, index + chunk))
      .execute();
  const oldest = await tx
    .selectFrom('meta_changes')
    .select('seq')
    .where('device', '=', device)
    .orderBy('seq', 'desc')
    .offset(kept)
    .limit(1)
    .executeTakeFirst();
  if (oldest !== undefined)
    await tx.deleteFrom('meta_changes').where('device', '=', device).where('seq', '<=', oldest.seq).execute();
}

async function wireChanges(hub: Hub, rows: Selectable<Tables['meta_changes']>[]): Promise<MetaChange[]> {
  const nicks = new Map<string, string>();
  for (const { prn } of rows) if (!nicks.has(prn)) nicks.set(prn, (await accountNick(hub, prn)) ?? '');
  return rows.map(({ time, prn, name, was, became }) => ({
    time: wireTime(time),
    by: prn,
    'by-nick': nicks.get(prn) ?? '',
    key: name,
    ...(was === null ? {} : { before: JSON.parse(was) as unknown }),
    ...(became === null ? {} : { after: JSON.parse(became) as unknown }),
  }));
}

/** Whether this is a device the caller may look at that has sent no factory revision: its outline is empty, not missing. */
async function hasNoTrailYet(hub: Hub, caller: Principal, id: string): Promise<boolean> {
  const device = isHexId(id) ? await deviceStore.find(hub.db, id) : undefined;
  if (device === undefined || !judge(caller, 'read', deviceResource(device)).allowed) return false;
  const trail = await hub.db.selectFrom('trails').select('id').where('id', '=', id).executeTakeFirst();
  return trail === undefined;
}

/** Handlers for what happened to a device before. */
export const historyHandlers: Served[] = [
  serve(historyRoutes.metadata, async ({ hub, caller, params, query }) => {
    const row = await deviceByName(hub, caller, params.id);
    demand(caller, 'read-private', deviceResource(row), 404);
    const { size, offset } = boundedPageOf({ ...query, 'page[size]': query['page[size]'] ?? usualPage });
    const rows = await hub.db
      .selectFrom('meta_changes')
      .selectAll()
      .where('device', '=', row.id)
      .orderBy('seq', 'desc')
      .limit(size)
      .offset(offset)
      .execute();
    return wireChanges(hub, rows);
  }),
  serve(historyRoutes.steps, async ({ hub, caller, params, query }) => {
    if (await hasNoTrailYet(hub, caller, params.id)) return new Answer(200, [], { 'x-total-count': '0' });
    const trail = await trailFor(hub, caller, params.id, 'read', { missing: 404, forbidden: 403 });
    const { size, offset } = boundedPageOf({ ...query, 'page[size]': query['page[size]'] ?? usualPage });
    const rows = await hub.db
      .selectFrom('steps')
      .select(['rev', 'commit_msg', 'progress', 'state_sha', 'created', 'progress_time'])
      .where('trail_id', '=', trail.id)
      .orderBy('rev', 'desc')
      .limit(size)
      .offset(offset)
      .execute();
    const { total } = await hub.db
      .selectFrom('steps')
      .select(({ fn }) => fn.countAll<number>().as('total'))
      .where('trail_id', '=', trail.id)
      .executeTakeFirstOrThrow();
    const outline = rows.map((row): StepOutline => {
      const progress = JSON.parse(row.progress) as Progress;
      return {
        rev: row.rev,
        'commit-msg': row.commit_msg,
        status: progress.status,
        'status-msg': progress['status-msg'],
        progress: progress.progress,
        'state-sha': row.state_sha,
        'time-created': wireTime(row.created),
        'progress-time': wireTime(row.progress_time),
      };
    });
    return new Answer(200, outline, { 'x-total-count': String(total) });
  }),
];
