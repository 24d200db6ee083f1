import { accountNick, accountPrn } from '../accounts/names.ts';
import type { Principal } from '../auth/principal.ts';
import { demand, judge } from '../auth/verdict.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { idOfPrn, isHexId } from '../names/ids.ts';
import { type DeviceRow, deviceResource, deviceStore, type View } from './store.ts';

const unknown = (name: string) => new Failure('not-found', `cannot find device '${name}'`);

/** A live device by its id. @throws Failure 500 for something that is no id (old clients), 404 */
export async function deviceById(hub: Hub, id: string): Promise<DeviceRow> {
  if (!isHexId(id))
    throw new Failure('bad-request', `cannot find device '${id}': an id has 24 hex digits`, { status: 500 });
  const row = await deviceStore.find(hub.db, id);
  if (row === undefined) throw unknown(id);
  return row;
}

export interface OwnerQuery {
  owner?: string | undefined;
  'owner-nick'?: string | undefined;
}

/** Prn of the owner a query names; undefined when it names none. @throws Failure 403 for an unknown one */
export async function ownerOf(hub: Hub, query: OwnerQuery): Promise<string | undefined> {
  if (query.owner !== undefined && query.owner !== '') {
    if (query.owner.startsWith('prn:')) return query.owner;
    throw new Failure('not-permitted', `cannot look for devices of '${query.owner}': this is no prn`);
  }
  const nick = query['owner-nick'];
  if (nick === undefined || nick === '') return undefined;
  const prn = await accountPrn(hub, nick);
  if (prn === undefined)
    throw new Failure('not-permitted', `cannot look for devices of '${nick}': there is nobody with this nick`);
  return prn;
}

/** A device by id, or by nick among those of the caller or of the named owner (hub-api §5.5). */
export async function deviceByName(
  hub: Hub,
  caller: Principal,
  name: string,
  query: OwnerQuery = {},
): Promise<DeviceRow> {
  const owner = await ownerOf(hub, query);
  if (isHexId(name)) {
    const row = await deviceStore.find(hub.db, name);
    if (row !== undefined && (owner === undefined || row.owner === owner)) return row;
    if (row !== undefined || owner === undefined) throw unknown(name);
  }
  const among = owner ?? caller.owner;
  const row = among === '' ? undefined : await deviceStore.findByNick(hub.db, among, name);
  if (row === undefined)
    throw new Failure('bad-request', `cannot find device '${name}': neither an id nor a nick of yours`);
  return row;
}

/** As {@link deviceByName}, and the caller may look at it. */
export async function readableDevice(
  hub: Hub,
  caller: Principal,
  name: string,
  query: OwnerQuery = {},
): Promise<DeviceRow> {
  const row = await deviceByName(hub, caller, name, query);
  demand(caller, 'read', deviceResource(row));
  return row;
}

/** What of a device this caller is shown. */
export async function viewFor(hub: Hub, caller: Principal, row: DeviceRow): Promise<View> {
  const insider = judge(caller, 'read-private', deviceResource(row)).allowed;
  if (row.owner === '') return { insider };
  const ownerNick = await accountNick(hub, row.owner);
  return { insider, ownerNick, globalMeta: insider ? await deviceStore.globalMeta(hub.db, row.owner) : {} };
}

/** Id of the device that calls, or undefined when the caller is no device. */
export function callingDevice({ type, prn }: Principal): string | undefined {
  return type === 'DEVICE' && prn.startsWith('prn:::devices:/') ? idOfPrn(prn) : undefined;
}
