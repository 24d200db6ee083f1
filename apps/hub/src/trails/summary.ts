import type { Progress, Summary } from '@pantavisor/hub-api';
import type { Principal } from '../auth/principal.ts';
import { judge } from '../auth/verdict.ts';
import { Failure } from '../http/failure.ts';
import { isJsonObject } from '../http/json.ts';
import { boundedPageOf, sortOf } from '../http/paging.ts';
import type { Hub } from '../hub.ts';
import { isHexId } from '../names/ids.ts';
import { wireTime } from '../names/times.ts';
import { comparable, summaryColumns } from './summary-columns.ts';

interface SummaryRow {
  id: string;
  nick: string;
  prn: string;
  owner: string;
  is_public: number;
  user_meta: string;
  device_meta: string;
  modified: number;
  seen: number | null;
  address: string;
  last_rev: number;
  progress_rev: number;
  last_touched: number;
  state_sha: string;
  progress: string;
  step_time: number;
  progress_time: number;
}

const rowsOf = (hub: Hub) =>
  hub.db
    .selectFrom('devices')
    .innerJoin('trails', 'trails.id', 'devices.id')
    .innerJoin('steps', (join) =>
      join.onRef('steps.trail_id', '=', 'trails.id').onRef('steps.rev', '=', 'trails.progress_rev'),
    )
    .select([
      'devices.id',
      'devices.nick',
      'devices.prn',
      'devices.owner',
      'devices.is_public',
      'devices.user_meta',
      'devices.device_meta',
      'devices.modified',
      'devices.seen',
      'devices.address',
      'trails.last_rev',
      'trails.progress_rev',
      'trails.last_touched',
      'steps.state_sha',
      'steps.progress',
      'steps.step_time',
      'steps.progress_time',
    ])
    .where('devices.garbage_since', 'is', null);

/** What a device is doing (hub-api §6.7): its newest revision, and the one it reported about last. */
function wire(hub: Hub, row: SummaryRow, insider: boolean): Summary {
  const progress = JSON.parse(row.progress) as Progress;
  const metas = { ...(JSON.parse(row.device_meta) as object), ...(JSON.parse(row.user_meta) as object) } as Record<
    string,
    unknown
  >;
  const fleet = (name: string) => {
    const value = metas[`fleet.${name}`] ?? metas[`fleet-${name}`];
    return insider && typeof value === 'string' ? value : '';
  };
  const seen = hub.presence.seen(row.id) ?? row.seen ?? 0;
  return {
    device: row.prn,
    'device-nick': row.nick,
    deviceid: row.id,
    'fleet-group': fleet('group'),
    'fleet-location': fleet('location'),
    'fleet-model': fleet('model'),
    'fleet-rev': fleet('rev'),
    progress: progress.progress,
    'progress-revision': row.progress_rev,
    'progress-time': wireTime(row.progress_time),
    public: row.is_public !== 0,
    'real-ip': insider ? row.address : '',
    revision: row.last_rev,
    'state-sha': row.state_sha,
    status: progress.status,
    'status-msg': progress['status-msg'],
    'step-time': wireTime(row.step_time),
    timestamp: wireTime(Math.max(seen, row.modified)),
    'trail-touched-time': wireTime(row.last_touched),
  };
}

/**
 * Summaries of the devices of the caller, a page at a time; `filter` compares members, `sort` names one (`-` in front =
 * descending). An unknown member is equal to nothing, and sorts nothing.
 * @returns the page, and how many devices the filter lets through
 */
export async function listSummaries(
  hub: Hub,
  caller: Principal,
  query: Record<string, string | undefined>,
): Promise<{ total: number; page: Summary[] }> {
  if ((caller.type !== 'USER' && caller.type !== 'SESSION') || caller.anonymous)
    throw new Failure('wrong-caller-type', 'cannot list summaries: only people have them');
  const columns = summaryColumns(hub.database.dialect);
  const { size, offset } = boundedPageOf(query);
  let rows = rowsOf(hub).where('devices.owner', '=', caller.prn);
  for (const [name, wanted] of parseFilter(query.filter)) {
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
    const value = column === undefined ? undefined : comparable(column.kind, wanted);
    if (column === undefined || value === undefined) return { total: 0, page: [] };
    rows = rows.where(column.value, '=', value);
  }
  const { total } = await rows
    .clearSelect()
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  const { name, direction } = sortOf(query.sort, columns, '-timestamp');
  const order = columns[name];
  if (order !== undefined) rows = rows.orderBy(order.value, direction);
  const page = await rows.orderBy('devices.id').limit(size).offset(offset).execute();
  return { total: Number(total), page: page.map((row) => wire(hub, row, true)) };
}

function parseFilter(text: string | undefined): [string, unknown][] {
  if (text === undefined || text === '') return [];
  try {
    const parsed: unknown = JSON.parse(text);
    if (isJsonObject(parsed)) return Object.entries(parsed);
  } catch {
    // Told below, together with JSON of the wrong kind.
  }
  throw new Failure('bad-request', 'cannot use filter: it must be a JSON object of members and their values');
}

/** Summary of one device, own or public. */
export async function oneSummary(hub: Hub, caller: Principal, id: string): Promise<Summary> {
  const row = isHexId(id) ? await rowsOf(hub).where('devices.id', '=', id).executeTakeFirst() : undefined;
  const refused = new Failure(
    'not-permitted',
    `cannot show the summary of device '${id}': it is not yours, or has no trail`,
  );
  if (row === undefined) throw refused;
  const resource = { name: `device ${id}`, owner: row.owner, device: row.prn, public: row.is_public !== 0 };
  const verdict = judge(caller, 'read', resource);
  if (!verdict.allowed) throw refused;
  return wire(hub, row, verdict.as !== 'stranger');
}
