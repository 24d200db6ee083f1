import { durationOf, type FleetTerm, statusClasses } from '@pantavisor/hub-api';
import { type RawBuilder, sql } from 'kysely';
import type { Dialect } from '../db/open.ts';

type Condition = RawBuilder<unknown>;

/**
 * What a device is at, over `d` (devices) left joined with `t` (trails): the status of the revision it reported about last, NEW
 * while a newer one waits for it, and empty without a trail.
 */
export const status = sql<string>`case when t.id is null then '' when t.last_rev > t.progress_rev then 'NEW' else t.status end`;
export const revision = sql<number>`coalesce(t.last_rev, -1)`;

/** `field like '%text%'` for any text, in any case. */
function contains(column: RawBuilder<unknown>, text: string): Condition {
  const pattern = `%${escaped(text)}%`;
  return sql`lower(${column}) like ${pattern} escape '\\'`;
}
const escaped = (text: string) => text.toLowerCase().replaceAll(/[\\%_]/g, '\\$&');

/** Text of a member of a JSON column. The name is a parameter: it comes from whoever asks. */
function member(dialect: Dialect, column: string, name: string): RawBuilder<string | null> {
  if (dialect === 'postgres') return sql`(${sql.ref(column)}::json ->> ${name})`;
  return sql`(${sql.ref(column)} ->> ${`$."${name.replaceAll('"', '\\"')}"`})`;
}

function metadata(dialect: Dialect, columns: string[], name: string, wanted: string | undefined): Condition {
  const any = columns.map((column) => {
    const value = member(dialect, column, name);
    return wanted === undefined ? sql`${value} is not null` : sql`coalesce(${value}, '') = ${wanted}`;
  });
  return sql`(${sql.join(any, sql` or `)})`;
}

function seen(value: string, now: number): Condition {
  if (value === 'never') return sql`d.seen is null`;
  const since = now - (durationOf(value.slice(1)) ?? 0);
  return value.startsWith('<') ? sql`coalesce(d.seen, 0) >= ${since}` : sql`coalesce(d.seen, 0) < ${since}`;
}

function statusCondition(value: string): Condition {
  const name = value.toLowerCase();
  const known = Object.values(statusClasses).flat() as string[];
  if (name === 'unknown') return sql`${status} not in (${sql.join(known)})`;
  const members = Object.hasOwn(statusClasses, name) ? statusClasses[name as keyof typeof statusClasses] : undefined;
  return sql`${status} in (${sql.join(members ?? [value.toUpperCase()])})`;
}

function termCondition({ field, value }: FleetTerm, dialect: Dialect, now: number): Condition {
  const split = value.indexOf('=');
  const name = split < 0 ? value : value.slice(0, split);
  const wanted = split < 0 ? undefined : value.slice(split + 1);
  switch (field) {
    case 'text':
      return sql`(${contains(sql.ref('d.nick'), value)} or d.id like ${`${escaped(value)}%`} escape '\\')`;
    case 'status':
      return statusCondition(value);
    case 'rev': {
      const operator = /^[<>]/.test(value) ? (value[0] ?? '=') : '=';
      return sql`${revision} ${sql.raw(operator)} ${Number(value.replace(/^[<>]/, ''))}`;
    }
    case 'tag':
      return metadata(dialect, ['d.tags'], name, wanted);
    case 'meta':
      return metadata(dialect, ['d.user_meta', 'd.device_meta'], name, wanted);
    case 'seen':
      return seen(value, now);
    case 'public':
      return sql`d.is_public = ${value === 'yes' ? 1 : 0}`;
  }
}

/** What groups terms of which any is enough: the field, and for metadata also the key. */
const groupOf = ({ field, value }: FleetTerm): string =>
  field === 'tag' || field === 'meta' ? `${field}:${value.split('=')[0]}` : field;

/**
 * Conditions of a query over `d` and `t`, one a field; all must hold.
 * @param except a field that does not count: its own facet shows what else there would be
 * @param now milliseconds
 */
export function conditionsOf(
  terms: readonly FleetTerm[],
  { dialect, now, except }: { dialect: Dialect; now: number; except?: FleetTerm['field'] },
): Condition[] {
  const groups = new Map<string, Condition[]>();
  const all: Condition[] = [];
  for (const term of terms) {
    if (term.field === except) continue;
    const condition = termCondition(term, dialect, now);
    // Words must all be there; of the others any will do. What is not wanted must never be there.
    if (term.negative) all.push(sql`not coalesce(${condition}, ${dialect === 'sqlite' ? sql`0` : sql`false`})`);
    else if (term.field === 'text') all.push(condition);
    else groups.set(groupOf(term), [...(groups.get(groupOf(term)) ?? []), condition]);
  }
  for (const group of groups.values()) all.push(sql`(${sql.join(group, sql` or `)})`);
  return all;
}
