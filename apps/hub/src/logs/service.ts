import type { LogPage } from '@pantavisor/hub-api';
import type { Principal } from '../auth/principal.ts';
import { callingDevice } from '../devices/find.ts';
import { Failure } from '../http/failure.ts';
import { ExactNumber, isJsonObject } from '../http/json.ts';
import { wholeNumber } from '../http/paging.ts';
import type { Hub } from '../hub.ts';
import { isHexId, prnOf } from '../names/ids.ts';
import { parseTime } from '../names/times.ts';
import { readRuns, takeNew } from './runs.ts';
import {
  type LogFilter,
  type LogRow,
  logStore,
  type NewLogRow,
  type Place,
  type SortColumn,
  wireLog,
} from './store.ts';

type Query = Record<string, string | undefined>;
type Sort = [SortColumn, 'asc' | 'desc'][];

const cursorLife = 120;
const mostPerPage = 10_000;
const sortColumns: Record<string, SortColumn> = {
  dev: 'dev',
  rev: 'rev',
  plat: 'plat',
  lvl: 'lvl',
  tsec: 'tsec',
  tnano: 'tnano',
  'time-created': 'created',
  src: 'src',
};

/**
 * Stores entries of the calling device in the order in which they came (hub-api §8).
 * @param runs header that numbers the entries, so that those that are stored already are left out
 */
export async function postLogs(
  hub: Hub,
  caller: Principal,
  body: unknown,
  { address, runs: header }: { address: string; runs: string | undefined },
): Promise<void> {
  const device = callingDevice(caller);
  if (device === undefined || caller.owner === '')
    throw new Failure(
      'not-permitted',
      'cannot store logs: only a device that is owned can send them; log in again after the claim',
    );
  const entries = Array.isArray(body) ? body : [body];
  const created = hub.clock();
  const common = { dev: caller.prn, own: caller.owner, created };
  const rows = entries.map((entry: unknown, index) => ({ ...common, ...readEntry(entry, index) }));
  const runs = readRuns(header, rows.length);
  if (rows.length === 0) return;
  const { first, last, stored } = await hub.writer.write(async (tx) => {
    const fresh = runs === undefined ? rows : await takeNew(tx, caller.prn, runs, rows, created);
    return { ...(await logStore.insert(tx, fresh)), stored: fresh };
  });
  hub.presence.note(device, created, address);
  if (stored.length === 0) return;
  const numbered = stored.map((row, index) => wireLog({ ...row, seq: first + index }));
  hub.bus.tell({ kind: 'log', device, owner: caller.owner, first, last, entries: numbered });
}

function readEntry(entry: unknown, index: number): Omit<NewLogRow, 'dev' | 'own' | 'created'> {
  const bad = (why: string) => new Failure('bad-request', `cannot store log entry ${index}: ${why}`);
  if (!isJsonObject(entry)) throw bad('it is no object');
  const text = (name: string, fallback = '') => {
    const value = entry[name] ?? fallback;
    if (typeof value === 'string') return value.replaceAll('\u0000', '\ufffd');
    if (name === 'rev' && typeof value === 'number') return String(value);
    throw bad(`'${name}' is no text`);
  };
  const whole = (name: string) => {
    const value = entry[name] ?? 0;
    const number = value instanceof ExactNumber ? Number(value.text) : value;
    // The documentation shows tsec as a text; devices send numbers.
    if (typeof number === 'string' && /^\d{1,15}$/.test(number)) return Number(number);
    if (typeof number === 'number' && Number.isSafeInteger(Math.trunc(number))) return Math.trunc(number);
    throw bad(`'${name}' is no whole number`);
  };
  return {
    tsec: whole('tsec'),
    tnano: whole('tnano'),
    rev: text('rev'),
    plat: text('plat'),
    src: text('src'),
    lvl: text('lvl', 'INFO') || 'INFO',
    msg: text('msg'),
  };
}

/** What a cursor carries, sealed: who may use it, the question, and where the next page begins. */
interface Cursor {
  caller: string;
  query: Query;
  place?: Place;
}

/** A page of the logs of the caller's devices (hub-api §8); with `cursor` in the query also the way to the next one. */
export async function listLogs(hub: Hub, caller: Principal, query: Query): Promise<LogPage> {
  const start = wholeNumber(query.start, 'start') ?? 0;
  return page(hub, caller, query, start, undefined);
}

/** The page behind a cursor; it ends with a page without entries. @throws Failure 403 for a foreign or expired one */
export async function nextPage(hub: Hub, caller: Principal, text: string): Promise<LogPage> {
  const opened = (await hub.tokens.unseal('log-cursor', text)) as unknown as Cursor | undefined;
  if (opened === undefined || opened.caller !== caller.prn)
    throw new Failure('not-permitted', 'cannot go on: the cursor has expired, is broken or belongs to somebody else');
  return page(hub, caller, opened.query, 0, opened.place);
}

async function page(
  hub: Hub,
  caller: Principal,
  query: Query,
  start: number,
  from: Place | undefined,
): Promise<LogPage> {
  const limit = Math.min(wholeNumber(query.page, 'page') ?? 50, mostPerPage);
  const sort = parseSort(query.sort);
  const filter = caller.anonymous ? undefined : await filterOf(hub, caller, query);
  const rows = filter === undefined ? [] : await logStore.page(hub.db, filter, { sort, limit, start, from });
  const withCursor = query.cursor !== undefined;
  const count = filter === undefined ? 0 : withCursor ? rows.length : await logStore.count(hub.db, filter);
  return {
    start,
    page: limit,
    count,
    ...(withCursor ? { 'next-cursor': await cursorAfter(hub, caller, query, sort, rows.at(-1), from) } : {}),
    ...(rows.length === 0 ? {} : { entries: rows.map(wireLog) }),
  };
}

async function cursorAfter(
  hub: Hub,
  caller: Principal,
  query: Query,
  sort: Sort,
  last: LogRow | undefined,
  from: Place | undefined,
): Promise<string> {
  const place = last === undefined ? from : { values: sort.map(([column]) => last[column]), seq: last.seq };
  // An empty first page has no place; the next question then asks for the same again, which pvr expects.
  const cursor: Cursor = { caller: caller.prn, query, ...(place === undefined ? {} : { place }) };
  return hub.tokens.seal('log-cursor', { ...cursor }, cursorLife);
}

function parseSort(text: string | undefined): Sort {
  const names = (text ?? '').split(',').filter((name) => name !== '');
  if (names.length === 0) return [['created', 'desc']];
  return names.map((name) => {
    const column = sortColumns[name.replace(/^[-+ ]/, '')];
    if (column === undefined)
      throw new Failure('bad-request', `cannot sort by '${name}': there are ${Object.keys(sortColumns).join(', ')}`);
    return [column, name.startsWith('-') ? 'desc' : 'asc'];
  });
}

async function filterOf(hub: Hub, caller: Principal, query: Query): Promise<LogFilter | undefined> {
  const list = (name: string) => query[name]?.split(',').filter((one) => one !== '');
  const time = (name: 'after' | 'before') => {
    const text = query[name];
    if (text === undefined || text === '') return undefined;
    const ms = parseTime(text.replace(' ', '+'));
    if (ms === undefined) throw new Failure('bad-request', `cannot use ${name}='${text}': this is no RFC 3339 time`);
    return ms;
  };
  const wanted = list('dev');
  const devices =
    wanted === undefined || wanted.length === 0 ? undefined : await resolveDevices(hub, caller.prn, wanted);
  // Devices were named and none of them exists: nothing, not everything.
  if (devices?.length === 0) return undefined;
  const filter: Record<string, unknown> = { owner: caller.prn, devices, after: time('after'), before: time('before') };
  if (query.text !== undefined && query.text !== '') filter.text = query.text;
  for (const name of ['after-id', 'before-id'] as const) {
    const text = query[name];
    if (text === undefined || text === '') continue;
    const seq = /^[0-9a-f]{1,24}$/.test(text) ? Number.parseInt(text, 16) : Number.NaN;
    if (!Number.isSafeInteger(seq))
      throw new Failure('bad-request', `cannot use ${name}='${text}': this is no id of a log entry`);
    filter[name === 'after-id' ? 'afterSeq' : 'beforeSeq'] = seq;
  }
  for (const name of ['rev', 'plat', 'src', 'lvl']) {
    const values = list(name);
    if (values !== undefined && values.length > 0) filter[name] = values;
  }
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as unknown as LogFilter;
}

async function resolveDevices(hub: Hub, owner: string, names: string[]): Promise<string[]> {
  const direct = names.flatMap((name) =>
    name.startsWith('prn:') ? [name] : isHexId(name) ? [prnOf.device(name)] : [],
  );
  const nicks = names.filter((name) => !name.startsWith('prn:') && !isHexId(name));
  if (nicks.length === 0) return direct;
  const rows = await hub.db
    .selectFrom('devices')
    .select('prn')
    .where('owner', '=', owner)
    .where('nick', 'in', nicks)
    .execute();
  return [...direct, ...rows.map(({ prn }) => prn)];
}
