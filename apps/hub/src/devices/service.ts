import type { Device } from '@pantavisor/hub-api';
import type { Principal } from '../auth/principal.ts';
import { demand } from '../auth/verdict.ts';
import { isDuplicate } from '../db/open.ts';
import type { Tx } from '../db/schema.ts';
import type { BusEvent } from '../events/bus.ts';
import { Failure } from '../http/failure.ts';
import { isJsonObject } from '../http/json.ts';
import type { Hub } from '../hub.ts';
import { prnOf } from '../names/ids.ts';
import { digestSecret, equalSecrets, randomText } from '../names/secrets.ts';
import { wireTime } from '../names/times.ts';
import { wordNames } from '../names/words.ts';
import { demandDeviceQuota } from '../plans/plans.ts';
import { deviceById, viewFor } from './find.ts';
import { redeemJoinToken } from './join-tokens.ts';
import { type DeviceRow, deviceResource, deviceStore, wireDevice } from './store.ts';

const nickRule = /^[a-zA-Z0-9_\-+%]+$/;
const nickPlaceholder = '__unregistered__';

export function demandNick(nick: string): void {
  if (!nickRule.test(nick))
    throw new Failure('bad-request', `cannot use the nick '${nick}': only letters, digits and _ - + %`);
}

export function tellDevice(hub: Hub, what: Extract<BusEvent, { kind: 'device' }>['what'], row: DeviceRow): void {
  hub.bus.tell({ kind: 'device', what, device: row.id, owner: row.owner });
}

export interface NewDevice {
  secret?: string;
  nick?: string;
  'user-meta'?: Record<string, unknown>;
  'device-meta'?: Record<string, unknown>;
}

/**
 * Registers a device: for the user who calls, for the owner of a join token, or for whoever will claim it (hub-api §5.3).
 * @returns the device with its secret, which is never shown again
 */
export async function register(
  hub: Hub,
  caller: Principal | undefined,
  body: NewDevice,
  joinToken: string | undefined,
): Promise<Device> {
  const joined = caller === undefined && joinToken !== undefined ? await redeemJoinToken(hub, joinToken) : undefined;
  const owner = caller?.prn ?? joined?.owner ?? '';
  const wanted = body.nick === undefined || body.nick === '' ? undefined : body.nick;
  if (wanted !== undefined) demandNick(wanted);
  const secret = body.secret || randomText(15);
  const now = hub.clock();
  const id = hub.ids.next(now);
  const row: DeviceRow = {
    id,
    prn: prnOf.device(id),
    nick: '',
    owner,
    // A secret somebody chose may be short; ours has 77 bits.
    secret: body.secret === undefined || body.secret === '' ? digestSecret(secret) : await hub.passwords.hash(secret),
    challenge: owner === '' ? wordNames.challenge() : null,
    is_public: 0,
    user_meta: joined?.meta ?? JSON.stringify(caller === undefined ? {} : (body['user-meta'] ?? {})),
    device_meta: JSON.stringify(caller === undefined ? (body['device-meta'] ?? {}) : {}),
    garbage_since: null,
    tokens_from: 0,
    seen: null,
    address: '',
    created: now,
    modified: now,
  };
  await insertNew(hub, row, owner === '' ? undefined : wanted);
  return wireDevice(row, { insider: true, secret });
}

/**
 * Registers a device that proved a join token with its certificate request, under the id it asks for (hub-api §5.12).
 * Its secret is known to nobody: it logs in with its certificate.
 * @throws Failure 400 when there is, or was, a device with this id
 */
export async function registerEnrolled(
  hub: Hub,
  id: string,
  { owner, meta }: { owner: string; meta: string },
): Promise<Device> {
  const taken = await hub.db.selectFrom('devices').select('id').where('id', '=', id).executeTakeFirst();
  if (taken !== undefined) throw new Failure('bad-request', `cannot register device ${id}: this id is taken`);
  const now = hub.clock();
  const row: DeviceRow = {
    ...{ id, prn: prnOf.device(id), nick: '', owner, secret: digestSecret(randomText(32)), challenge: null },
    ...{ is_public: 0, user_meta: meta, device_meta: '{}', garbage_since: null, tokens_from: 0, seen: null },
    ...{ address: '', created: now, modified: now },
  };
  try {
    await insertNew(hub, row, undefined);
  } catch (error) {
    if (error instanceof Failure && error.code === 'already-exists')
      throw new Failure('bad-request', `cannot register device ${id}: this id is taken`);
    throw error;
  }
  return wireDevice(row, { insider: true });
}

async function insertNew(hub: Hub, row: DeviceRow, wantedNick: string | undefined): Promise<void> {
  const draw = row.owner === '' ? wordNames.unclaimed : wordNames.nick;
  await withFreeNick(wantedNick, draw, async (nick) => {
    row.nick = nick;
    await hub.writer.write(async (tx) => {
      if (row.owner !== '') await demandDeviceQuota(hub, tx, row.owner);
      await deviceStore.insert(tx, row);
    });
  });
  tellDevice(hub, 'created', row);
}

/** Tries drawn nicks until one is free; a wanted one is tried once. */
async function withFreeNick(
  wanted: string | undefined,
  draw: () => string,
  attempt: (nick: string) => Promise<void>,
): Promise<void> {
  for (let left = 5; ; left -= 1) {
    try {
      return await attempt(wanted ?? draw());
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      if (wanted !== undefined || left === 0) throw new Failure('already-exists', 'device already exists');
    }
  }
}

/** Claims a device with its challenge, or changes members of it (hub-api §5.6). */
export async function put(
  hub: Hub,
  caller: Principal,
  id: string,
  body: unknown,
  challenge: string | undefined,
): Promise<Device> {
  const row = await deviceById(hub, id);
  const isDevice = caller.type === 'DEVICE';
  const forbid = (why: string) => new Failure('not-permitted', `cannot change device ${id}: ${why}`);
  if (isDevice && caller.prn !== row.prn) throw forbid('it is another device');
  if (!isDevice && row.owner !== '' && row.owner !== caller.prn) throw forbid('it belongs to somebody else');
  if (caller.anonymous) throw forbid('log in first');
  const wanted = isJsonObject(body) ? body : {};
  const change = await changeOf(hub, row, wanted, isDevice, forbid);
  const claimed = row.challenge === null ? undefined : await claim(hub, caller, row, challenge);
  let current = claimed ?? row;
  if (Object.keys(change).length > 0) {
    current = { ...current, ...change, modified: hub.clock() };
    try {
      await hub.writer.write((tx) => deviceStore.update(tx, id, { ...change, modified: current.modified }));
    } catch (error) {
      if (isDuplicate(error)) throw new Failure('bad-request', `cannot change device ${id}: the nick is taken`);
      throw error;
    }
    if (change.secret !== undefined) hub.bus.tell({ kind: 'revoked', prn: row.prn });
    tellDevice(hub, 'changed', current);
  }
  const view = await viewFor(hub, caller, current);
  return wireDevice(current, typeof wanted.secret === 'string' ? { ...view, secret: wanted.secret } : view);
}

async function changeOf(
  hub: Hub,
  row: DeviceRow,
  wanted: Record<string, unknown>,
  isDevice: boolean,
  forbid: (why: string) => Failure,
): Promise<Partial<DeviceRow>> {
  const fixed = { id: row.id, prn: row.prn, owner: row.owner, 'time-created': wireTime(row.created) };
  for (const [name, value] of Object.entries(fixed))
    if (wanted[name] !== undefined && wanted[name] !== value) throw forbid(`'${name}' never changes`);
  if (wanted.secret === '') throw forbid('the secret must not be empty');
  const isPublic = wanted.public === undefined ? undefined : wanted.public === true ? 1 : 0;
  if (isDevice && isPublic !== undefined && isPublic !== row.is_public) throw forbid('a device cannot share itself');
  const nick = typeof wanted.nick === 'string' && wanted.nick !== row.nick ? wanted.nick : undefined;
  if (nick !== undefined) demandNick(nick);
  const meta = isDevice ? wanted['device-meta'] : wanted['user-meta'];
  return {
    ...(nick === undefined ? {} : { nick }),
    ...(isPublic === undefined || isPublic === row.is_public ? {} : { is_public: isPublic }),
    ...(typeof wanted.secret === 'string'
      ? { secret: await hub.passwords.hash(wanted.secret), tokens_from: Math.floor(hub.clock() / 1000) + 1 }
      : {}),
    ...(isJsonObject(meta) ? { [isDevice ? 'device_meta' : 'user_meta']: JSON.stringify(meta) } : {}),
  };
}

/** One write decides: of two claims at the same time one wins, the other is refused (hub-data §2). */
async function claim(hub: Hub, caller: Principal, row: DeviceRow, challenge: string | undefined): Promise<DeviceRow> {
  const wrong = new Failure(
    'wrong-challenge',
    `cannot claim device ${row.id}: the challenge is wrong, or somebody was quicker`,
  );
  if (caller.type === 'DEVICE')
    throw new Failure('not-permitted', `cannot claim device ${row.id} with the token of a device`);
  if (challenge === undefined || !equalSecrets(challenge, row.challenge ?? '')) throw wrong;
  const change: Partial<DeviceRow> = { owner: caller.prn, challenge: null, modified: hub.clock() };
  const named = row.nick.startsWith(nickPlaceholder) ? undefined : row.nick;
  const attempt = async (tx: Tx) => {
    await demandDeviceQuota(hub, tx, caller.prn);
    return tx
      .updateTable('devices')
      .set(change)
      .where('id', '=', row.id)
      .where('challenge', '=', challenge)
      .where('garbage_since', 'is', null)
      .executeTakeFirst();
  };
  await withFreeNick(named, wordNames.nick, async (nick) => {
    change.nick = nick;
    if ((await hub.writer.write(attempt)).numUpdatedRows !== 1n) throw wrong;
  });
  const claimed = { ...row, ...change };
  tellDevice(hub, 'claimed', claimed);
  return claimed;
}

/** Gives a device another nick (hub-api §5.7). */
export async function rename(hub: Hub, caller: Principal, id: string, nick: string): Promise<Device> {
  const row = await deviceById(hub, id);
  demand(caller, 'own-or-be', deviceResource(row));
  if (row.owner === '') throw new Failure('not-permitted', `cannot rename device ${id}: nobody owns it yet`);
  const changed = { ...row, nick: nick || row.nick, modified: hub.clock() };
  if (nick !== '' && nick !== row.nick) {
    demandNick(nick);
    try {
      await hub.writer.write((tx) => deviceStore.update(tx, id, { nick, modified: changed.modified }));
    } catch (error) {
      if (isDuplicate(error))
        throw new Failure('already-exists', `cannot rename device ${id}: you have another '${nick}'`);
      throw error;
    }
    tellDevice(hub, 'changed', changed);
  }
  const { challenge: _, ...shown } = wireDevice(changed, await viewFor(hub, caller, changed));
  return shown;
}

/** Makes a device and its trail garbage, frees its nick, and ends its sessions (hub-data §7). */
export async function remove(hub: Hub, caller: Principal, id: string): Promise<Device> {
  const row = await deviceById(hub, id);
  demand(caller, 'own', deviceResource(row));
  await hub.writer.write((tx) => markGarbage(tx, row, hub.clock()));
  hub.bus.tell({ kind: 'revoked', prn: row.prn });
  tellDevice(hub, 'removed', row);
  return wireDevice({ ...row, garbage_since: hub.clock() }, { insider: true });
}

/** Marks a device and its trail; `#` is in no nick, so the changed one is free of collisions. */
export async function markGarbage(tx: Tx, { id, nick }: Pick<DeviceRow, 'id' | 'nick'>, now: number): Promise<void> {
  await tx
    .updateTable('devices')
    .set({ garbage_since: now, modified: now, nick: `${nick}#${id}` })
    .where('id', '=', id)
    .where('garbage_since', 'is', null)
    .execute();
  await tx
    .updateTable('trails')
    .set({ garbage_since: now })
    .where('id', '=', id)
    .where('garbage_since', 'is', null)
    .execute();
}

/** Shows a device to everybody, or hides it again. */
export async function setPublic(hub: Hub, caller: Principal, id: string, isPublic: boolean): Promise<Device> {
  const row = await deviceById(hub, id);
  demand(caller, 'own', deviceResource(row));
  const changed = { ...row, is_public: isPublic ? 1 : 0, modified: hub.clock() };
  await hub.writer.write((tx) =>
    deviceStore.update(tx, id, { is_public: changed.is_public, modified: changed.modified }),
  );
  tellDevice(hub, 'changed', changed);
  return wireDevice(changed, await viewFor(hub, caller, changed));
}
