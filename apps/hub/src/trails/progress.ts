import type { Progress, ProgressReport } from '@pantavisor/hub-api';
import type { Principal } from '../auth/principal.ts';
import type { Tx } from '../db/schema.ts';
import { callingDevice } from '../devices/find.ts';
import { followQueue } from '../followers/queue.ts';
import { Failure } from '../http/failure.ts';
import { canonicalJson, ExactNumber, isJsonObject } from '../http/json.ts';
import type { Hub } from '../hub.ts';
import { wireTime } from '../names/times.ts';
import { stepFor } from './access.ts';
import { emptyProgress, provenStatuses, stepId } from './store.ts';

const number = (value: unknown): number => {
  const found = value instanceof ExactNumber ? Number(value.text) : value;
  return typeof found === 'number' && Number.isFinite(found) ? Math.trunc(found) : 0;
};
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function objectProgress(value: unknown) {
  const object = isJsonObject(value) ? value : {};
  const named = (name: 'object_id' | 'object_name') =>
    text(object[name]) === '' ? {} : { [name]: text(object[name]) };
  return {
    current_time: number(object.current_time),
    ...named('object_id'),
    ...named('object_name'),
    start_time: number(object.start_time),
    total_downloaded: number(object.total_downloaded),
    total_size: number(object.total_size),
  };
}

/** Reads a progress report leniently: members have the types clients rely on, whatever was sent (hub-api §6.1). @throws Failure 400 without a status */
export function readProgress(body: Record<string, unknown>): Progress {
  const status = text(body.status);
  if (status === '') throw new Failure('bad-request', "cannot store the progress: 'status' is missing");
  const downloads = isJsonObject(body.downloads) ? body.downloads : {};
  return {
    ...(body.data === undefined || body.data === null ? {} : { data: body.data }),
    downloads: {
      objects: Array.isArray(downloads.objects) ? downloads.objects.map(objectProgress) : null,
      total: objectProgress(downloads.total),
    },
    log: text(body.log),
    ...(typeof body.logs === 'string' ? { logs: body.logs } : {}),
    progress: number(body.progress),
    ...(body.retries === undefined ? {} : { retries: number(body.retries) }),
    status,
    'status-msg': text(body['status-msg']),
  };
}

/** Stores what a device reports about a step; nothing it says is refused, or it would repeat it for ever (hub-data §3). */
export async function reportProgress(
  hub: Hub,
  caller: Principal,
  params: { id: string; rev: string },
  body: Record<string, unknown>,
  address: string,
): Promise<string> {
  const id = callingDevice(caller);
  if (id === undefined || id !== params.id)
    throw new Failure('not-permitted', 'cannot report progress: only the device of the trail can');
  const progress = readProgress(body);
  const rev = /^\d{1,9}$/.test(params.rev) ? Number(params.rev) : -1;
  const json = canonicalJson(progress);
  const now = hub.clock();
  await hub.writer.write(async (tx) => {
    const before = await store(tx, stepId(id, rev), progress, json, now);
    if (before === undefined)
      throw new Failure('not-found', `cannot report progress: revision '${params.rev}' does not exist`, {
        status: 400,
      });
    if (isProven(progress.status) && !isProven(before)) await followQueue.add(tx, 'leader', id, now);
    await tx
      .updateTable('trails')
      .set({
        progress_rev: rev,
        status: progress.status,
        last_touched: now,
        ...(isProven(progress.status) ? { last_insync: now } : {}),
      })
      .where('id', '=', id)
      .execute();
  });
  hub.presence.note(id, now, address);
  hub.bus.tell({ kind: 'step', what: 'progress', device: id, owner: caller.owner, rev, progress });
  return json;
}

const isProven = (status: string) => (provenStatuses as readonly string[]).includes(status);

/** @returns the status before; undefined when there is no such step */
async function store(tx: Tx, step: string, progress: Progress, json: string, now: number): Promise<string | undefined> {
  const before = await tx
    .selectFrom('steps')
    .select(['status', 'progress', 'progress_time'])
    .where('id', '=', step)
    .executeTakeFirst();
  if (before === undefined) return undefined;
  await tx
    .updateTable('steps')
    .set({ progress: json, status: progress.status, progress_time: now, modified: now })
    .where('id', '=', step)
    .execute();
  const old = JSON.parse(before.progress) as Progress;
  const said =
    before.progress_time > 0 && old.status === progress.status && old['status-msg'] === progress['status-msg'];
  if (!said)
    await tx
      .insertInto('step_reports')
      .values({
        step_id: step,
        time: now,
        status: progress.status,
        status_msg: progress['status-msg'],
        progress: progress.progress,
      })
      .execute();
  return before.status;
}

/** Lets the owner end a step: `cancel` one that is NEW, `wontgo` one that hangs INPROGRESS (hub-api §6.3). */
export async function endStep(
  hub: Hub,
  caller: Principal,
  params: { id: string; rev: string },
  how: 'cancel' | 'wontgo',
): Promise<string> {
  const { trail, step } = await stepFor(hub, caller, params, 'own', { missing: 500, forbidden: 403 });
  if (caller.type !== 'USER') throw new Failure('wrong-caller-type', `cannot ${how} a revision as ${caller.type}`);
  const from = how === 'cancel' ? 'NEW' : 'INPROGRESS';
  const progress =
    how === 'cancel'
      ? emptyProgress('CANCEL', { progress: 100, 'status-msg': 'Cancel as requested by owner' })
      : emptyProgress('WONTGO', { progress: 100, 'status-msg': 'Mark as WONTGO as requested by owner' });
  const json = canonicalJson(progress);
  const now = hub.clock();
  await hub.writer.write(async (tx) => {
    const done = await tx
      .updateTable('steps')
      .set({ progress: json, status: progress.status, progress_time: now, modified: now })
      .where('id', '=', step.id)
      .where('status', '=', from)
      .executeTakeFirst();
    if (done.numUpdatedRows === 0n)
      throw new Failure('wrong-state', `cannot ${how} revision ${step.rev}: it is ${step.status}, not ${from}`);
    await tx
      .insertInto('step_reports')
      .values({
        step_id: step.id,
        time: now,
        status: progress.status,
        status_msg: progress['status-msg'],
        progress: 100,
      })
      .execute();
    await tx
      .updateTable('trails')
      .set({ progress_rev: step.rev, status: progress.status, last_touched: now })
      .where('id', '=', trail.id)
      .execute();
  });
  hub.bus.tell({ kind: 'step', what: 'cancelled', device: trail.id, owner: trail.owner, rev: step.rev, progress });
  return json;
}

/** Every report of a step whose status or message was new: why it failed must not be overwritten by a later text. */
export async function listReports(hub: Hub, step: string): Promise<ProgressReport[]> {
  const rows = await hub.db.selectFrom('step_reports').selectAll().where('step_id', '=', step).orderBy('seq').execute();
  return rows.map(({ time, status, status_msg, progress }) => ({
    progress,
    status,
    'status-msg': status_msg,
    time: wireTime(time),
  }));
}
