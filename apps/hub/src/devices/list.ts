import type { Device } from '@pantavisor/hub-api';
import type { Principal } from '../auth/principal.ts';
import { Failure } from '../http/failure.ts';
import { boundedPageOf, sortOf } from '../http/paging.ts';
import type { Hub } from '../hub.ts';
import { ownerOf } from './find.ts';
import { deviceStore, wireDevice } from './store.ts';

/** Members one may filter by; everything else in a query is ignored (hub-api §5.4). */
const filters = { nick: 'nick', id: 'id', prn: 'prn' } as const;
/** Members one may sort by. */
const orders = { ...filters, 'time-created': 'created', 'time-modified': 'modified' } as const;

/**
 * Devices of the caller, or the public ones of another owner.
 * A filter value `!x` means not equal, `^x` begins with, in any case; `sort` names a member, `-` in front = descending.
 * @returns a page of them, and how many there are
 */
export async function listDevices(
  hub: Hub,
  caller: Principal,
  query: Record<string, string | undefined>,
): Promise<{ total: number; page: Device[] }> {
  const owner = await ownerOf(hub, query);
  const foreign = owner !== undefined && owner !== caller.prn;
  if (caller.anonymous && !foreign) return { total: 0, page: [] };
  let rows = hub.db.selectFrom('devices').selectAll().where('garbage_since', 'is', null);
  if (foreign) rows = rows.where('owner', '=', owner).where('is_public', '=', 1);
  else if (caller.type === 'DEVICE') rows = rows.where('prn', '=', caller.prn);
  else rows = rows.where('owner', '=', caller.prn);
  for (const [name, column] of Object.entries(filters)) {
    const value = query[name];
    if (value === undefined) continue;
    if (value.startsWith('!')) rows = rows.where(column, '!=', value.slice(1));
    else if (value.startsWith('^')) {
      const prefix = value.slice(1).toLowerCase();
      rows = rows.where(({ fn, eb }) =>
        eb(fn<string>('substr', [fn<string>('lower', [column]), eb.val(1), eb.val(prefix.length)]), '=', prefix),
      );
    } else rows = rows.where(column, '=', value);
  }
  const shared = query.public;
  if (shared !== undefined) {
    if (!/^!?(true|false)$/.test(shared))
      throw new Failure('bad-request', `cannot filter by public='${shared}': true or false`);
    rows = rows.where('is_public', '=', shared === 'true' || shared === '!false' ? 1 : 0);
  }
  const { size, offset } = boundedPageOf(query);
  const { total } = await rows
    .clearSelect()
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  const { name, direction } = sortOf(query.sort, orders, 'id');
  const found = await rows
    .orderBy(orders[name as keyof typeof orders], direction)
    .orderBy('id')
    .limit(size)
    .offset(offset)
    .execute();
  const globalMeta = foreign || caller.type === 'DEVICE' ? {} : await deviceStore.globalMeta(hub.db, caller.prn);
  return { total: Number(total), page: found.map((row) => wireDevice(row, { insider: !foreign, globalMeta })) };
}
