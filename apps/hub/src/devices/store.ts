import type { Device } from '@pantavisor/hub-api';
import type { Selectable } from 'kysely';
import type { Resource } from '../auth/verdict.ts';
import type { Db, Tables, Tx } from '../db/schema.ts';
import { noteFollowing } from '../followers/queue.ts';
import { sortedMap } from '../http/json.ts';
import { wireTime } from '../names/times.ts';

export type DeviceRow = Omit<Selectable<Tables['devices']>, 'follows' | 'tags'>;
type Meta = Record<string, unknown>;

export const deviceStore = {
  /** A live device by id. */
  find: (db: Db, id: string): Promise<DeviceRow | undefined> =>
    db.selectFrom('devices').selectAll().where('id', '=', id).where('garbage_since', 'is', null).executeTakeFirst(),

  findByNick: (db: Db, owner: string, nick: string): Promise<DeviceRow | undefined> =>
    db
      .selectFrom('devices')
      .selectAll()
      .where('owner', '=', owner)
      .where('nick', '=', nick)
      .where('garbage_since', 'is', null)
      .executeTakeFirst(),

  insert: async (tx: Tx, row: DeviceRow): Promise<void> => {
    await tx.insertInto('devices').values(row).execute();
    await noteFollowing(tx, row.id, row.user_meta, row.modified);
  },

  update: async (tx: Tx, id: string, change: Partial<DeviceRow>) => {
    const done = await tx
      .updateTable('devices')
      .set(change)
      .where('id', '=', id)
      .where('garbage_since', 'is', null)
      .executeTakeFirst();
    if (change.user_meta !== undefined && done.numUpdatedRows > 0n)
      await noteFollowing(tx, id, change.user_meta, change.modified ?? 0);
    return done;
  },

  /** Metadata of an owner that lies under that of every device of theirs. */
  globalMeta: async (db: Db, owner: string): Promise<Meta> => {
    const row = await db.selectFrom('profiles').select('meta').where('prn', '=', owner).executeTakeFirst();
    return row === undefined ? {} : (JSON.parse(row.meta) as Meta);
  },
};

export const deviceResource = (row: Pick<DeviceRow, 'id' | 'owner' | 'prn' | 'is_public'>): Resource => ({
  name: `device ${row.id}`,
  owner: row.owner,
  device: row.prn,
  public: row.is_public !== 0,
});

export interface View {
  /** owner or device: sees metadata and challenge */
  insider: boolean;
  /** known only when it was just set */
  secret?: string;
  ownerNick?: string;
  globalMeta?: Meta;
}

/** The device in the order in which old devices search it (hub-api §5.1). */
export function wireDevice(row: DeviceRow, { insider, secret, ownerNick, globalMeta = {} }: View): Device {
  const meta = (text: string, under: Meta = {}) =>
    insider ? sortedMap({ ...under, ...(JSON.parse(text) as Meta) }) : {};
  return {
    id: row.id,
    prn: row.prn,
    nick: row.nick,
    owner: row.owner,
    ...(ownerNick === undefined ? {} : { 'owner-nick': ownerNick }),
    ...(secret === undefined ? {} : { secret }),
    'time-created': wireTime(row.created),
    'time-modified': wireTime(row.modified),
    ...(row.challenge === null || !insider ? {} : { challenge: row.challenge }),
    public: row.is_public !== 0,
    'user-meta': meta(row.user_meta, globalMeta),
    'device-meta': meta(row.device_meta),
    garbage: row.garbage_since !== null,
    mark_public_processed: true,
  };
}
