import type { LogEntry } from '@pantavisor/hub-api';
import { type Insertable, type Selectable, sql } from 'kysely';
import type { Db, Tables } from '../db/schema.ts';
import { wireTime } from '../names/times.ts';

export type LogRow = Selectable<Tables['logs']>;
export type NewLogRow = Insertable<Tables['logs']>;

/** What to look for; lists mean any of. */
export interface LogFilter {
  owner: string;
  devices?: string[];
  rev?: string[];
  plat?: string[];
  src?: string[];
  lvl?: string[];
  /** milliseconds, exclusive */
  after?: number;
  before?: number;
  /** numbers of entries, exclusive */
  afterSeq?: number;
  beforeSeq?: number;
  /** part of the message, in any case */
  text?: string;
}

export type SortColumn = 'dev' | 'rev' | 'plat' | 'lvl' | 'tsec' | 'tnano' | 'created' | 'src';

/** Where the next page begins: the sort values and number of the last entry. */
export interface Place {
  values: (string | number)[];
  seq: number;
}

export const logStore = {
  /** @returns number of the last entry */
  insert: async (db: Db, rows: NewLogRow[]): Promise<{ first: number; last: number }> => {
    const chunk = 500;
    let first = 0;
    let last = 0;
    for (let index = 0; index < rows.length; index += chunk) {
      const inserted = await db
        .insertInto('logs')
        .values(rows.slice(index, index + chunk))
        .returning('seq')
        .execute();
      first ||= inserted[0]?.seq ?? 0;
      last = inserted.at(-1)?.seq ?? last;
    }
    return { first, last };
  },

  count: async (db: Db, filter: LogFilter): Promise<number> => {
    const { count } = await filtered(db, filter)
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    return Number(count);
  },

  page: (
    db: Db,
    filter: LogFilter,
    {
      sort,
      limit,
      start = 0,
      from,
    }: { sort: [SortColumn, 'asc' | 'desc'][]; limit: number; start?: number; from?: Place | undefined },
  ): Promise<LogRow[]> => {
    let query = filtered(db, filter).selectAll();
    const direction = sort.at(-1)?.[1] ?? 'desc';
    for (const [column, way] of sort) query = query.orderBy(column, way);
    query = query.orderBy('seq', direction).limit(limit);
    if (start > 0) query = query.offset(start);
    if (from === undefined) return query.execute();
    const keys = [...sort, ['seq', direction] as const];
    const values = [...from.values, from.seq];
    // "Behind the place" in the order of the sort: the first column that differs decides.
    query = query.where((is) =>
      is.or(
        keys.map(([column, way], index) =>
          is.and([
            ...keys.slice(0, index).map(([equal], at) => is(equal, '=', values[at] as never)),
            is(column, way === 'asc' ? '>' : '<', values[index] as never),
          ]),
        ),
      ),
    );
    return query.execute();
  },

  range: (db: Db, dev: string, first: number, last: number): Promise<LogRow[]> =>
    db
      .selectFrom('logs')
      .selectAll()
      .where('dev', '=', dev)
      .where('seq', '>=', first)
      .where('seq', '<=', last)
      .orderBy('seq')
      .execute(),
};

function filtered(db: Db, { owner, devices, after, before, afterSeq, beforeSeq, text, ...lists }: LogFilter) {
  let query = db.selectFrom('logs').where('own', '=', owner);
  if (devices !== undefined) query = query.where('dev', 'in', devices);
  for (const name of ['rev', 'plat', 'src', 'lvl'] as const) {
    const values = lists[name];
    if (values !== undefined) query = query.where(name, 'in', values);
  }
  if (afterSeq !== undefined) query = query.where('seq', '>', afterSeq);
  if (beforeSeq !== undefined) query = query.where('seq', '<', beforeSeq);
  if (text !== undefined) {
    const pattern = `%${text.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`;
    query = query.where(({ fn }) => sql<boolean>`${fn('lower', ['msg'])} like ${pattern} escape '\\'`);
  }
  if (after !== undefined) query = query.where('created', '>', after);
  return before === undefined ? query : query.where('created', '<', before);
}

/** An entry on the wire; members without a value are left out (hub-api §8). */
export function wireLog(row: NewLogRow & { seq?: number }): LogEntry {
  const text = (name: 'rev' | 'plat' | 'src' | 'lvl' | 'msg') => (row[name] === '' ? {} : { [name]: row[name] });
  return {
    id: (row.seq ?? 0).toString(16).padStart(24, '0'),
    dev: row.dev,
    own: row.own,
    'time-created': wireTime(row.created),
    ...(row.tsec === 0 ? {} : { tsec: row.tsec }),
    ...(row.tnano === 0 ? {} : { tnano: row.tnano }),
    ...text('rev'),
    ...text('plat'),
    ...text('src'),
    ...text('lvl'),
    ...text('msg'),
  };
}
