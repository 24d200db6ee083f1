import type { Principal } from '../auth/principal.ts';
import { demand } from '../auth/verdict.ts';
import { noteFollowing } from '../followers/queue.ts';
import { noteMetaChanges } from '../history/routes.ts';
import { Failure } from '../http/failure.ts';
import { sortedMap } from '../http/json.ts';
import type { Hub } from '../hub.ts';
import { callingDevice, deviceByName } from './find.ts';
import { tellDevice } from './service.ts';
import { deviceResource, deviceStore } from './store.ts';

type Meta = Record<string, unknown>;

/** User metadata over the global metadata of the owner (hub-api §5.9). */
export async function readUserMeta(hub: Hub, caller: Principal, name: string): Promise<Meta> {
  const row = await deviceByName(hub, caller, name);
  demand(caller, 'read-private', deviceResource(row), 404);
  const under = row.owner === '' ? {} : await deviceStore.globalMeta(hub.db, row.owner);
  return sortedMap({ ...under, ...(JSON.parse(row.user_meta) as Meta) });
}

/** Replaces the map; the owner may, and the device itself. */
export async function replaceUserMeta(hub: Hub, caller: Principal, name: string, meta: Meta): Promise<Meta> {
  const row = await deviceByName(hub, caller, name);
  demand(caller, 'own-or-be', deviceResource(row), 404);
  const change = { user_meta: JSON.stringify(meta), modified: hub.clock() };
  await hub.writer.write(async (tx) => {
    const old = await deviceStore.find(tx, row.id);
    await deviceStore.update(tx, row.id, change);
    const before = JSON.parse(old?.user_meta ?? '{}') as Meta;
    await noteMetaChanges(tx, { device: row.id, prn: caller.prn, time: hub.clock() }, before, meta);
  });
  tellDevice(hub, 'user-meta', row);
  return sortedMap(meta);
}

/** Sets the given keys and keeps the others; a null is stored, clients read it as unset. */
export async function mergeUserMeta(hub: Hub, caller: Principal, name: string, meta: Meta): Promise<Meta> {
  if (caller.type === 'DEVICE')
    throw new Failure('bad-request', 'cannot change user metadata key by key as a device: use PUT');
  const row = await deviceByName(hub, caller, name);
  demand(caller, 'own', deviceResource(row), 404);
  await merge(hub, row.id, 'user_meta', (old) => ({ ...old, ...meta }), caller.prn);
  tellDevice(hub, 'user-meta', row);
  return sortedMap(meta);
}

/**
 * Device metadata, written by the device itself only.
 * @param partial sets keys and deletes those that are null; otherwise the whole map is replaced
 */
export async function writeDeviceMeta(
  hub: Hub,
  caller: Principal,
  id: string,
  meta: Meta,
  partial: boolean,
  address: string,
): Promise<void> {
  const own = callingDevice(caller);
  if (own === undefined)
    throw new Failure('bad-request', 'cannot write device metadata: only a device can, about itself');
  if (own !== id && caller.nick !== id)
    throw new Failure('not-permitted', `cannot write metadata of device ${id}: it is another device`);
  const now = hub.clock();
  if (partial) {
    await merge(hub, own, 'device_meta', (old) =>
      Object.fromEntries(Object.entries({ ...old, ...meta }).filter(([, value]) => value !== null)),
    );
  } else {
    const change = { device_meta: JSON.stringify(meta), modified: now };
    const done = await hub.writer.write((tx) => deviceStore.update(tx, own, change));
    if (done.numUpdatedRows === 0n)
      throw new Failure('not-found', `cannot write metadata of device ${own}: it was deleted`);
  }
  hub.presence.note(own, now, address);
  hub.bus.tell({ kind: 'device', what: 'device-meta', device: own, owner: caller.owner });
}

/** Changes a map key by key: two changes at once both count (hub-data §8). @param noteAs whoever is remembered for it */
async function merge(
  hub: Hub,
  id: string,
  column: 'user_meta' | 'device_meta',
  change: (old: Meta) => Meta,
  noteAs?: string,
): Promise<void> {
  await hub.writer.write(async (tx) => {
    // The update locks the row before its old value is read.
    const row = await tx
      .updateTable('devices')
      .set({ modified: hub.clock() })
      .where('id', '=', id)
      .where('garbage_since', 'is', null)
      .returning(`${column} as meta`)
      .executeTakeFirst();
    if (row === undefined) throw new Failure('not-found', `cannot write metadata of device ${id}: it was deleted`);
    const before = JSON.parse(row.meta) as Meta;
    const after = change(before);
    await tx
      .updateTable('devices')
      .set({ [column]: JSON.stringify(after) })
      .where('id', '=', id)
      .execute();
    if (column === 'user_meta') await noteFollowing(tx, id, JSON.stringify(after), hub.clock());
    if (noteAs !== undefined) await noteMetaChanges(tx, { device: id, prn: noteAs, time: hub.clock() }, before, after);
  });
}
