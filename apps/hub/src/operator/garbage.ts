import { markGarbage } from '../devices/service.ts';
import type { Hub } from '../hub.ts';

/** What one collection did. */
export interface Collected {
  unclaimed: number;
  devices: number;
  records: number;
  blobs: number;
  uploads: number;
  logs: number;
  grants: number;
}

const day = 24 * 3600 * 1000;
const streamLife = 90 * day;

/**
 * Marks devices nobody claimed, and removes what has been garbage for longer than the grace time (hub-data §7). Records go
 * first, blobs after them: a crash in between leaves a blob that the next run finds, never a record without its blob.
 */
export async function collectGarbage(hub: Hub): Promise<Collected> {
  const now = hub.clock();
  const before = now - hub.config['gc-grace'];
  const unclaimed = await markUnclaimed(hub, now);
  const devices = await removeDevices(hub, before);
  const records = await removeRecords(hub, before);
  const blobs = await sweepBlobs(hub, before);
  const uploads = await hub.blobs.tidy(before);
  const logs = hub.config['log-days'] === 0 ? 0 : await removeLogs(hub, now - hub.config['log-days'] * day);
  const grants = await removeExpired(hub, now);
  return { unclaimed, devices, records, blobs, uploads, logs, grants };
}

async function markUnclaimed(hub: Hub, now: number): Promise<number> {
  const old = await hub.db
    .selectFrom('devices')
    .select(['id', 'nick', 'prn'])
    .where('owner', '=', '')
    .where('garbage_since', 'is', null)
    .where('created', '<', now - hub.config['gc-unclaimed'])
    .execute();
  for (const device of old) {
    await hub.writer.write((tx) => markGarbage(tx, device, now));
    hub.bus.tell({ kind: 'revoked', prn: device.prn });
  }
  return old.length;
}

async function removeDevices(hub: Hub, before: number): Promise<number> {
  const old = await hub.db.selectFrom('devices').select(['id', 'prn']).where('garbage_since', '<', before).execute();
  for (const { id, prn } of old)
    await hub.writer.write(async (tx) => {
      const steps = tx.selectFrom('steps').select('id').where('trail_id', '=', id);
      await tx.deleteFrom('step_objects').where('step_id', 'in', steps).execute();
      await tx.deleteFrom('step_reports').where('step_id', 'in', steps).execute();
      await tx.deleteFrom('steps').where('trail_id', '=', id).execute();
      await tx.deleteFrom('trails').where('id', '=', id).execute();
      await tx.deleteFrom('logs').where('dev', '=', prn).execute();
      await tx.deleteFrom('meta_changes').where('device', '=', id).execute();
      await tx.deleteFrom('log_streams').where('dev', '=', prn).execute();
      await tx.deleteFrom('devices').where('id', '=', id).execute();
    });
  return old.length;
}

/** Records that no live step names, that no other record links to, and that nobody touched during the grace time. */
async function removeRecords(hub: Hub, before: number): Promise<number> {
  const done = await hub.writer.write((tx) =>
    tx
      .deleteFrom('objects')
      .where('modified', '<', before)
      .where('storage_id', 'not in', (query) =>
        query
          .selectFrom('step_objects')
          .innerJoin('steps', 'steps.id', 'step_objects.step_id')
          .innerJoin('trails', 'trails.id', 'steps.trail_id')
          .select('step_objects.storage_id')
          .where('trails.garbage_since', 'is', null),
      )
      .where('storage_id', 'not in', (query) =>
        query
          .selectFrom('objects as linking')
          .select('linking.linked as storage_id')
          .where('linking.linked', 'is not', null)
          .$castTo<{ storage_id: string }>(),
      )
      .executeTakeFirst(),
  );
  return Number(done.numDeletedRows);
}

async function sweepBlobs(hub: Hub, before: number): Promise<number> {
  let removed = 0;
  for await (const { key, modified } of hub.blobs.list()) {
    if (modified >= before) continue;
    const record = await hub.db
      .selectFrom('objects')
      .select('storage_id')
      .where('storage_id', '=', key)
      .executeTakeFirst();
    if (record !== undefined) continue;
    await hub.blobs.remove(key);
    removed += 1;
  }
  return removed;
}

async function removeLogs(hub: Hub, before: number): Promise<number> {
  const done = await hub.writer.write((tx) => tx.deleteFrom('logs').where('created', '<', before).executeTakeFirst());
  return Number(done.numDeletedRows);
}

async function removeExpired(hub: Hub, now: number): Promise<number> {
  const done = await hub.writer.write(async (tx) => {
    await tx
      .deleteFrom('codes')
      .where('expires', '<', now - day)
      .execute();
    await tx.deleteFrom('invitations').where('expires', '<', now).execute();
    await tx.deleteFrom('sessions').where('expires', '<', now).execute();
    // No device sends the same logs again after such a time.
    await tx
      .deleteFrom('log_streams')
      .where('modified', '<', now - streamLife)
      .execute();
    return tx
      .deleteFrom('grants')
      .where('revoked', '<', now - hub.config['gc-grace'])
      .executeTakeFirst();
  });
  return Number(done.numDeletedRows);
}
