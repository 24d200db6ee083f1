import { type RawBuilder, sql } from 'kysely';
import type { Dialect } from '../db/open.ts';
import { parseTime } from '../names/times.ts';

type Kind = 'text' | 'number' | 'time' | 'flag';

/** A member of a summary as the database can compare it. */
export interface SummaryColumn {
  kind: Kind;
  value: RawBuilder<unknown>;
}

/**
 * How each member of a summary is computed in SQL, for filters and sorting over devices, trails and steps. When a device was
 * heard is written every few seconds, so a sort by `timestamp` may be behind by that much.
 */
export function summaryColumns(dialect: Dialect): Record<string, SummaryColumn> {
  // The name of a member is a constant of this file; both databases want it as part of the path.
  const member = (column: string, name: string) =>
    dialect === 'sqlite'
      ? sql`json_extract(${sql.ref(column)}, ${sql.lit(`$."${name}"`)})`
      : sql`(${sql.ref(column)}::json ->> ${sql.lit(name)})`;
  const fleet = (name: string) =>
    sql`coalesce(${member('devices.user_meta', `fleet.${name}`)}, ${member('devices.device_meta', `fleet.${name}`)},
      ${member('devices.user_meta', `fleet-${name}`)}, ${member('devices.device_meta', `fleet-${name}`)}, '')`;
  const column = (kind: Kind, name: string): SummaryColumn => ({ kind, value: sql.ref(name) });
  const text = (value: RawBuilder<unknown>): SummaryColumn => ({ kind: 'text', value });
  const percent = member('steps.progress', 'progress');
  return {
    device: column('text', 'devices.prn'),
    'device-nick': column('text', 'devices.nick'),
    deviceid: column('text', 'devices.id'),
    'fleet-group': text(fleet('group')),
    'fleet-location': text(fleet('location')),
    'fleet-model': text(fleet('model')),
    'fleet-rev': text(fleet('rev')),
    progress: { kind: 'number', value: dialect === 'sqlite' ? percent : sql`${percent}::numeric` },
    'progress-revision': column('number', 'trails.progress_rev'),
    'progress-time': column('time', 'steps.progress_time'),
    public: column('flag', 'devices.is_public'),
    'real-ip': column('text', 'devices.address'),
    revision: column('number', 'trails.last_rev'),
    'state-sha': column('text', 'steps.state_sha'),
    status: column('text', 'steps.status'),
    'status-msg': text(member('steps.progress', 'status-msg')),
    'step-time': column('time', 'steps.step_time'),
    timestamp: {
      kind: 'time',
      value: sql`case when devices.seen > devices.modified then devices.seen else devices.modified end`,
    },
    'trail-touched-time': column('time', 'trails.last_touched'),
  };
}

/** What the database compares a member with; undefined when a value of this type equals no such member. */
export function comparable(kind: Kind, value: unknown): string | number | undefined {
  if (kind === 'flag') return typeof value === 'boolean' ? Number(value) : undefined;
  if (kind === 'number') return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
  if (typeof value !== 'string' || value.includes('\0')) return undefined;
  return kind === 'time' ? parseTime(value) : value;
}
