import { createHash } from 'node:crypto';
import type { ObjectRecord } from '@pantavisor/hub-api';
import type { Selectable } from 'kysely';
import type { Db, Tables } from '../db/schema.ts';
import { wireTime } from '../names/times.ts';

export type ObjectRow = Selectable<Tables['objects']>;

/** Key of the one record and the one blob of an owner and a SHA-256 (hub-api §7.1). */
export function storageIdOf(owner: string, sha: string): string {
  return createHash('sha256').update(`${owner}/${sha}`).digest('hex');
}

export const objectStore = {
  find: (db: Db, storageId: string): Promise<ObjectRow | undefined> =>
    db.selectFrom('objects').selectAll().where('storage_id', '=', storageId).executeTakeFirst(),

  findMany: async (db: Db, storageIds: readonly string[]): Promise<Map<string, ObjectRow>> => {
    const found = new Map<string, ObjectRow>();
    const chunk = 500;
    for (let index = 0; index < storageIds.length; index += chunk) {
      const rows = await db
        .selectFrom('objects')
        .selectAll()
        .where('storage_id', 'in', storageIds.slice(index, index + chunk))
        .execute();
      for (const row of rows) found.set(row.storage_id, row);
    }
    return found;
  },

  /** Some objects of an owner, oldest first, and how many there are. */
  list: async (
    db: Db,
    owner: string,
    { size, offset }: { size: number; offset: number },
  ): Promise<{ total: number; page: ObjectRow[] }> => {
    const own = db.selectFrom('objects').where('owner', '=', owner);
    const page = await own.selectAll().orderBy('created').orderBy('storage_id').limit(size).offset(offset).execute();
    const { total } = await own.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
    return { total: Number(total), page };
  },

  /** Saves a record; one that exists is written over, but what was uploaded stays uploaded. */
  save: (db: Db, row: ObjectRow) => {
    const { name, size, mime, linked, modified } = row;
    return db
      .insertInto('objects')
      .values(row)
      .onConflict((conflict) => conflict.column('storage_id').doUpdateSet({ name, size, mime, linked, modified }))
      .execute();
  },

  /** A blob that a public step of somebody else uses: what a record may be linked to (hub-api §7.3). */
  publicSource: (db: Db, sha: string, owner: string): Promise<ObjectRow | undefined> =>
    db
      .selectFrom('step_objects')
      .innerJoin('objects', 'objects.storage_id', 'step_objects.storage_id')
      .innerJoin('steps', 'steps.id', 'step_objects.step_id')
      .innerJoin('devices', 'devices.id', 'steps.trail_id')
      .selectAll('objects')
      .where('step_objects.sha', '=', sha)
      .where('objects.owner', '!=', owner)
      .where('objects.stored', '=', 1)
      .where('objects.linked', 'is', null)
      .where('devices.is_public', '=', 1)
      .where('devices.garbage_since', 'is', null)
      .limit(1)
      .executeTakeFirst(),

  /** Whether a live step uses the record. */
  inUse: async (db: Db, storageId: string): Promise<boolean> =>
    (await db
      .selectFrom('step_objects')
      .innerJoin('steps', 'steps.id', 'step_objects.step_id')
      .innerJoin('trails', 'trails.id', 'steps.trail_id')
      .select('step_objects.step_id')
      .where('step_objects.storage_id', '=', storageId)
      .where('trails.garbage_since', 'is', null)
      .limit(1)
      .executeTakeFirst()) !== undefined,
};

export function wireObject(row: ObjectRow, name = row.name): ObjectRecord {
  return {
    id: row.sha,
    'storage-id': row.storage_id,
    owner: row.owner,
    objectname: name,
    sha256sum: row.sha,
    size: String(row.size),
    sizeint: row.size,
    'mime-type': row.mime,
    'time-created': wireTime(row.created),
    'time-modified': wireTime(row.modified),
  };
}
