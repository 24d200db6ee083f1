import { changeRoutes } from '@pantavisor/hub-api';
import type { Principal } from '../auth/principal.ts';
import { callingDevice } from '../devices/find.ts';
import { wireDevice } from '../devices/store.ts';
import { subscribe, type Topic } from '../events/subscription.ts';
import { Answer, type Call, type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import { wholeNumber } from '../http/paging.ts';
import type { Hub } from '../hub.ts';
import { isHexId } from '../names/ids.ts';
import { parseTime, wireTime } from '../names/times.ts';
import { wireStep, wireTrail } from '../trails/store.ts';

const mostPerPage = 250;
const topics: readonly Topic[] = ['device', 'step', 'log'];

interface Window {
  size: number;
  /** milliseconds, exclusive */
  after?: number;
  before?: number;
}

function windowOf(hub: Hub, query: Record<string, string | undefined>): Window {
  const size = Math.min(wholeNumber(query['page[size]'], 'page[size]') ?? 50, mostPerPage);
  const time = (name: string) => {
    const text = query[name];
    if (text === undefined || text === '') return undefined;
    const ms = parseTime(text.replace(' ', '+'));
    if (ms === undefined) throw new Failure('bad-request', `cannot use ${name}='${text}': this is no RFC 3339 time`);
    return ms;
  };
  const after = time('page[after]');
  const before = time('page[before]');
  if (before !== undefined) return { size, before };
  return { size, after: after ?? hub.clock() };
}

type Timed = { modified: number };

/** Answers a window of records with the addresses of the windows before and behind it (hub-api §15). */
function answer<T extends Timed>(call: Call, { size, after, before }: Window, rows: T[], wire: (row: T) => unknown) {
  const ordered = before === undefined ? rows : rows.toReversed();
  const path = `${call.base}${call.route.path}?page[size]=${size}`;
  const first = ordered[0]?.modified ?? before ?? after ?? 0;
  const last = ordered.at(-1)?.modified ?? after ?? before ?? 0;
  return {
    links: { next: `${path}&page[after]=${wireTime(last)}`, prev: `${path}&page[before]=${wireTime(first)}` },
    data: ordered.map(wire),
  };
}

async function changedDevices(hub: Hub, caller: Principal, { size, after, before }: Window) {
  let query = hub.db.selectFrom('devices').selectAll().where('owner', '=', caller.prn).limit(size);
  if (after !== undefined) query = query.where('modified', '>', after).orderBy('modified').orderBy('id');
  if (before !== undefined)
    query = query.where('modified', '<', before).orderBy('modified', 'desc').orderBy('id', 'desc');
  return query.execute();
}

async function changedSteps(hub: Hub, caller: Principal, { size, after, before }: Window) {
  let query = hub.db
    .selectFrom('steps')
    .innerJoin('trails', 'trails.id', 'steps.trail_id')
    .selectAll('steps')
    .where('steps.owner', '=', caller.prn)
    .where('trails.garbage_since', 'is', null)
    .limit(size);
  if (after !== undefined)
    query = query.where('steps.modified', '>', after).orderBy('steps.modified').orderBy('steps.id');
  if (before !== undefined)
    query = query.where('steps.modified', '<', before).orderBy('steps.modified', 'desc').orderBy('steps.id', 'desc');
  return query.execute();
}

async function changedTrails(hub: Hub, caller: Principal, { size, after, before }: Window) {
  let query = hub.db
    .selectFrom('trails')
    .selectAll()
    .select('last_touched as modified')
    .where('owner', '=', caller.prn)
    .where('garbage_since', 'is', null)
    .limit(size);
  if (after !== undefined) query = query.where('last_touched', '>', after).orderBy('last_touched').orderBy('id');
  if (before !== undefined)
    query = query.where('last_touched', '<', before).orderBy('last_touched', 'desc').orderBy('id', 'desc');
  return query.execute();
}

/** Handlers of `/changes` and `/events/`. */
export const changeHandlers: Served[] = [
  serve(changeRoutes.devices, async (call) => {
    const window = windowOf(call.hub, call.query);
    const rows = await changedDevices(call.hub, call.caller, window);
    return answer(call as unknown as Call, window, rows, (row) => wireDevice(row, { insider: true }));
  }),
  serve(changeRoutes.steps, async (call) => {
    const window = windowOf(call.hub, call.query);
    return answer(call as unknown as Call, window, await changedSteps(call.hub, call.caller, window), wireStep);
  }),
  serve(changeRoutes.trails, async (call) => {
    const window = windowOf(call.hub, call.query);
    const rows = await changedTrails(call.hub, call.caller, window);
    return answer(call as unknown as Call, window, rows, (row) => wireTrail(row, undefined));
  }),
  serve(changeRoutes.events, ({ hub, caller, query, address }) => {
    const wanted = (query.topics || 'device,step').split(',');
    const unknown = wanted.filter((topic) => !topics.includes(topic as Topic));
    if (unknown.length > 0)
      throw new Failure('bad-request', `cannot subscribe to '${unknown.join(',')}': there are ${topics.join(', ')}`);
    const { device } = query;
    if (device !== undefined && !isHexId(device))
      throw new Failure('bad-request', `cannot subscribe to device '${device}': an id has 24 hex digits`);
    const stream = subscribe(hub, caller, new Set(wanted as Topic[]), device);
    const self = callingDevice(caller);
    if (self !== undefined) stream.once('close', hub.presence.listen(self, address));
    return new Answer(200, stream, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
  }),
];
