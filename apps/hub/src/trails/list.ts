import type { Principal } from '../auth/principal.ts';
import { callingDevice } from '../devices/find.ts';
import { CanonicalText, canonicalJson } from '../http/json.ts';
import { boundedPageOf, largestOfStates } from '../http/paging.ts';
import type { Hub } from '../hub.ts';
import { trailFor } from './access.ts';
import { parseStatusFilter, type StatusFilter } from './filter.ts';
import { openStatuses, type StepRow, wireStep, wireTrail } from './store.ts';

type Query = Record<string, string | undefined>;

export interface Page {
  /** entries on all pages; undefined for a device, which reads only the first */
  total?: number;
  page: unknown[];
}

/** Steps of a trail in ascending order (hub-api §6.4). A device gets at most one: it reads only the first. */
export async function listSteps(hub: Hub, caller: Principal, id: string, query: Query): Promise<Page> {
  const trail = await trailFor(hub, caller, id, 'read', { missing: 500, forbidden: 500 });
  const asked = query['progress.status'];
  const filters = asked === undefined || asked === '' ? [fallback(caller, trail.isPublic)] : parseStatusFilter(asked);
  let steps = hub.db.selectFrom('steps').selectAll().where('trail_id', '=', id).orderBy('rev');
  for (const filter of filters) {
    if (filter.kind === 'none') return { total: 0, page: [] };
    if (filter.kind === 'in') steps = steps.where('status', 'in', filter.values.length === 0 ? [''] : filter.values);
    if (filter.kind === 'not-in' && filter.values.length > 0) steps = steps.where('status', 'not in', filter.values);
    if (filter.kind === 'prefix') {
      const { value } = filter;
      steps = steps.where(({ fn, eb }) =>
        eb(fn<string>('substr', ['status', eb.val(1), eb.val(value.length)]), '=', value),
      );
    }
  }
  const forDevice = caller.type === 'DEVICE';
  const { size, offset } = forDevice ? { size: 1, offset: 0 } : boundedPageOf(query, largestOfStates);
  const page = (await steps.limit(size).offset(offset).execute()).map((row) => project(row, query.fields));
  if (forDevice) return { page };
  const { total } = await steps
    .clearSelect()
    .clearOrderBy()
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return { total: Number(total), page };
}

function fallback(caller: Principal, isPublic: boolean): StatusFilter {
  return isPublic || caller.type === 'DEVICE' ? { kind: 'in', values: ['NEW'] } : { kind: 'not-in', values: ['DONE'] };
}

/** Members that stay in every projection (hub-api §6.4). */
const kept = new Set(['id', 'owner', 'time-created', 'time-modified', 'rev', 'trail-id']);

/** Leaves members out as `fields` says (`a,b` only these, `-a` all but these); left-out ones come as empty values. */
export function project(row: StepRow, fields: string | undefined): Record<string, unknown> {
  const step = wireStep(row);
  const names = (fields ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) return step;
  const out = new Set(names.filter((name) => name.startsWith('-')).map((name) => name.slice(1)));
  const only = new Set(names.filter((name) => !name.startsWith('-')).map((name) => name.replace(/^[+ ]/, '')));
  return Object.fromEntries(
    Object.entries(step).map(([name, value]) => {
      const wanted = only.size > 0 ? only.has(name) || kept.has(name) : !out.has(name);
      return [name, wanted ? value : emptyOf(value)];
    }),
  );
}

function emptyOf(value: unknown): unknown {
  if (value instanceof CanonicalText) return value.text.startsWith('[') ? [] : {};
  if (typeof value === 'string') return '';
  return typeof value === 'number' ? 0 : false;
}

/**
 * The answer to the poll of a device for its open steps. "Nothing to do" is remembered until something changes; it holds
 * for every usual form of the question, because the default asks for less.
 */
export async function pollSteps(hub: Hub, caller: Principal, id: string, query: Query): Promise<unknown> {
  let answer: unknown[] = [];
  await hub.idle.fill(id, 'steps', async () => {
    answer = (await listSteps(hub, caller, id, query)).page;
    const open = answer.length > 0 || (await hasOpenSteps(hub, id));
    return { text: canonicalJson(answer), keep: !open };
  });
  return answer;
}

async function hasOpenSteps(hub: Hub, id: string): Promise<boolean> {
  const open = await hub.db
    .selectFrom('steps')
    .select('id')
    .where('trail_id', '=', id)
    .where('status', 'in', openStatuses)
    .limit(1)
    .executeTakeFirst();
  return open !== undefined;
}

/** Trails of the caller, with their factory states. */
export async function listTrails(hub: Hub, caller: Principal, query: Query): Promise<Page> {
  if (caller.anonymous) return { total: 0, page: [] };
  const id = callingDevice(caller);
  let trails = hub.db.selectFrom('trails').selectAll().where('garbage_since', 'is', null).orderBy('id');
  trails = id === undefined ? trails.where('owner', '=', caller.prn) : trails.where('id', '=', id);
  const { size, offset } = boundedPageOf(query, largestOfStates);
  const rows = await trails.limit(size).offset(offset).execute();
  const { total } = await trails
    .clearSelect()
    .clearOrderBy()
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  const factories = new Map<string, Pick<StepRow, 'state' | 'used_objects'>>();
  const chunk = 500;
  for (let index = 0; index < rows.length; index += chunk) {
    const ids = rows.slice(index, index + chunk).map((row) => `${row.id}-0`);
    const steps = await hub.db
      .selectFrom('steps')
      .select(['trail_id', 'state', 'used_objects'])
      .where('id', 'in', ids)
      .execute();
    for (const step of steps) factories.set(step.trail_id, step);
  }
  return { total: Number(total), page: rows.map((row) => wireTrail(row, factories.get(row.id))) };
}
