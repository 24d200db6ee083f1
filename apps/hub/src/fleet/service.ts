import {
  type FleetDevice,
  type FleetFacets,
  type FleetPage,
  type FleetTerm,
  type Progress,
  parseFleetQuery,
} from '@pantavisor/hub-api';
import { type RawBuilder, sql } from 'kysely';
import type { Principal } from '../auth/principal.ts';
import { Failure } from '../http/failure.ts';
import { boundedPageOf, sortOf } from '../http/paging.ts';
import type { Hub } from '../hub.ts';
import { wireTime } from '../names/times.ts';
import { conditionsOf, revision, status } from './conditions.ts';

type Query = Record<string, string | undefined>;

const orders: Record<string, RawBuilder<unknown>> = {
  nick: sql`d.nick`,
  status,
  revision,
  seen: sql`coalesce(d.seen, 0)`,
  modified: sql`d.modified`,
};

function termsOf(line: string | undefined): FleetTerm[] {
  const { terms, problems } = parseFleetQuery(line ?? '');
  if (problems.length > 0) throw new Failure('bad-request', `cannot use the query: ${problems.join('; ')}`);
  return terms;
}

/** `from … where …` of the live devices of somebody that match. */
function selection(hub: Hub, owner: string, terms: readonly FleetTerm[], except?: FleetTerm['field']) {
  const options = { dialect: hub.database.dialect, now: hub.clock(), ...(except === undefined ? {} : { except }) };
  const own = [sql`d.owner = ${owner}`, sql`d.garbage_since is null`];
  const where = sql.join([...own, ...conditionsOf(terms, options)], sql` and `);
  return sql`from devices d left join trails t on t.id = d.id where ${where}`;
}

interface Row {
  id: string;
  nick: string;
  is_public: number;
  tags: string;
  seen: number | null;
  modified: number;
  status: string;
  last_rev: number | null;
  progress_rev: number | null;
}

/** A page of the fleet. Only the devices of the page are joined with their revisions. */
export async function listFleet(hub: Hub, caller: Principal, query: Query): Promise<FleetPage> {
  const terms = termsOf(query.q);
  const { size, offset } = boundedPageOf({ ...query, 'page[size]': query['page[size]'] ?? '100' });
  const from = selection(hub, caller.prn, terms);
  const { name, direction } = sortOf(query.sort, orders, 'nick');
  const order = sql`${orders[name] ?? sql`d.nick`} ${sql.raw(direction)}, d.id`;
  // First only ids, in an index where the sort has one; then what is shown of them.
  const { rows } = await sql<Row>`
    select d.id, d.nick, d.is_public, d.tags, d.seen, d.modified, ${status} as status, t.last_rev, t.progress_rev
    from devices d left join trails t on t.id = d.id
    where d.id in (select id from (select d.id as id ${from} order by ${order} limit ${size} offset ${offset}) page)
    order by ${order}`.execute(hub.db);
  const total = await count(hub, from);
  return { total, offset, devices: await wire(hub, rows) };
}

async function count(hub: Hub, from: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ total: number }>`select count(*) as total ${from}`.execute(hub.db);
  return Number(rows[0]?.total ?? 0);
}

async function wire(hub: Hub, rows: Row[]): Promise<FleetDevice[]> {
  const ids = rows.flatMap(({ id, last_rev, progress_rev }) => [
    ...(progress_rev === null ? [] : [`${id}-${progress_rev}`]),
    ...(last_rev === null || last_rev === progress_rev ? [] : [`${id}-${last_rev}`]),
  ]);
  const steps = new Map<string, { progress: Progress; sha: string }>();
  const chunk = 500;
  for (let index = 0; index < ids.length; index += chunk) {
    const found = await hub.db
      .selectFrom('steps')
      .select(['id', 'progress', 'state_sha'])
      .where('id', 'in', ids.slice(index, index + chunk))
      .execute();
    for (const { id, progress, state_sha } of found)
      steps.set(id, { progress: JSON.parse(progress) as Progress, sha: state_sha });
  }
  return rows.map((row): FleetDevice => {
    const reported = steps.get(`${row.id}-${row.progress_rev}`)?.progress;
    const waiting = row.status === 'NEW';
    return {
      id: row.id,
      nick: row.nick,
      public: row.is_public !== 0,
      status: row.status,
      'status-msg': waiting ? '' : (reported?.['status-msg'] ?? ''),
      progress: waiting ? 0 : (reported?.progress ?? 0),
      revision: row.last_rev ?? -1,
      'progress-revision': row.progress_rev ?? -1,
      'state-sha': steps.get(`${row.id}-${row.last_rev}`)?.sha ?? '',
      'last-seen': wireTime(hub.presence.seen(row.id) ?? row.seen),
      'time-modified': wireTime(row.modified),
      tags: JSON.parse(row.tags) as Record<string, string>,
    };
  });
}

/** Rows of a question that looks at every device of an owner: off the thread that serves where the database would hold it up. */
async function readMany<Row>(hub: Hub, question: RawBuilder<Row>): Promise<Row[]> {
  const { reader } = hub.database;
  return reader === undefined ? (await question.execute(hub.db)).rows : reader.read<Row>(question.compile(hub.db));
}

/** Facets of a fleet are counted again after so long; milliseconds. Counting reads every device of the owner. */
const remembered = 5_000;
const mostRemembered = 200;
const mostRevisions = 20;
const mostTags = 100;
const minute = 60_000;
/** Buckets of "last heard": name as in a query, and the age from which a device is in it. */
const ages: [string, number][] = [
  ['<15m', 0],
  ['<1d', 15 * minute],
  ['<7d', 24 * 60 * minute],
  ['>7d', 7 * 24 * 60 * minute],
];

/** Counts fleets by facet, and remembers the answers for a moment. */
export class FleetCounts {
  readonly #known = new Map<string, { at: number; answer: Promise<FleetFacets> }>();

  facets(hub: Hub, caller: Principal, query: Query): Promise<FleetFacets> {
    const terms = termsOf(query.q);
    const key = JSON.stringify([caller.prn, terms]);
    const now = hub.clock();
    const known = this.#known.get(key);
    if (known !== undefined && now - known.at < remembered && now >= known.at) return known.answer;
    if (this.#known.size >= mostRemembered) this.#known.clear();
    const answer = countFacets(hub, caller.prn, terms);
    answer.catch(() => this.#known.delete(key));
    this.#known.set(key, { at: now, answer });
    return answer;
  }
}

interface Counted {
  value: string;
  count: number;
}

/** The most frequent first. */
const inOrder = (counts: ReadonlyMap<string, number>, limit?: number): Counted[] =>
  [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, limit);

/**
 * Each facet is counted among the devices that match the terms of all others, so that it shows what else there would be. Facets
 * without terms of their own count the same devices: status and revision are then read in one go, since reading is what takes time.
 */
async function countFacets(hub: Hub, owner: string, terms: FleetTerm[]): Promise<FleetFacets> {
  const from = (except?: FleetTerm['field']) => selection(hub, owner, terms, except);
  const now = hub.clock();
  const has = (field: FleetTerm['field']) => terms.some((term) => term.field === field);
  const by = async (values: RawBuilder<unknown>[], except?: FleetTerm['field']) => {
    const columns = sql.join(values.map((value, index) => sql`${value} as ${sql.ref(`v${index}`)}`));
    const places = sql.join(values.map((_, index) => sql.lit(index + 1)));
    const rows = await readMany(
      hub,
      sql<Record<string, unknown>>`select ${columns}, count(*) as count ${from(except)} group by ${places}`,
    );
    return values.map((_, index) => {
      const counts = new Map<string, number>();
      for (const row of rows) {
        const value = String(row[`v${index}`]);
        counts.set(value, (counts.get(value) ?? 0) + Number(row.count));
      }
      return counts;
    });
  };
  const bucket = sql`case when d.seen is null then 'never' ${sql.join(
    ages.toReversed().map(([name, age]) => sql`when d.seen <= ${now - age} then ${sql.lit(name)}`),
    sql` `,
  )} else '<15m' end`;
  const apart = has('status') || has('rev');
  const [statuses = new Map(), revisions = new Map()] = apart
    ? [...(await by([status], 'status')), ...(await by([revision], 'rev'))]
    : await by([status, revision]);
  const [seen = new Map()] = await by([bucket], 'seen');
  const each = hub.database.dialect === 'sqlite' ? sql`json_each(m.tags) e` : sql`json_each_text(m.tags::json) e`;
  const tags = await readMany(
    hub,
    sql<{ name: string; value: string; count: number }>`
    select e.key as name, e.value as value, sum(m.count) as count
    from (select d.tags, count(*) as count ${from('tag')} and d.tags <> '{}' group by d.tags) m, ${each}
    group by 1, 2 order by 1, 3 desc, 2 limit ${mostTags}`,
  );
  const total = apart
    ? await readMany(hub, sql<{ total: number }>`select count(*) as total ${from()}`)
    : [{ total: [...statuses.values()].reduce((sum: number, some: number) => sum + some, 0) }];
  return {
    total: Number(total[0]?.total ?? 0),
    statuses: inOrder(statuses),
    revisions: inOrder(revisions, mostRevisions),
    seen: inOrder(seen),
    tags: tags.map(({ name, value, count: some }) => ({ name, value: String(value), count: Number(some) })),
  };
}
