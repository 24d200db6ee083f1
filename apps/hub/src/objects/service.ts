import type { Db } from '../db/schema.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { isSha } from '../names/ids.ts';
import { demandObjectQuota } from '../plans/plans.ts';
import { type ObjectRow, objectStore, storageIdOf } from './store.ts';

export interface NewObject {
  objectname?: string;
  size?: string | number;
  sizeint?: number;
  sha256sum?: string;
  'mime-type'?: string;
  id?: string;
}

export interface Announced {
  row: ObjectRow;
  /** the hub has the content already: nothing to upload */
  exists: boolean;
  kind: 'object' | 'link';
}

const bad = (why: string) => new Failure('bad-request', `cannot make the object known: ${why}`);

/** Size in bytes from the two members that may hold it (hub-api §7.1). */
function sizeOf({ size = '', sizeint = 0 }: NewObject): number {
  const digits = String(size);
  const bytes = sizeint !== 0 || !/^\d+$/.test(digits) ? sizeint : Number(digits);
  if (!Number.isSafeInteger(bytes) || bytes < 0 || (digits === '' && sizeint === 0))
    throw bad(`size '${digits}' is not a number of bytes`);
  return bytes;
}

/**
 * Makes an object known before its upload (hub-api §7.2). Posting again what was not uploaded is how an interrupted upload
 * goes on.
 */
export async function announce(hub: Hub, owner: string, body: NewObject, autolink: boolean): Promise<Announced> {
  const { sha256sum: sha = '', id = sha } = body;
  if (!isSha(sha)) throw bad('sha256sum must have 64 lower-case hex digits');
  if (id !== '' && id !== sha) throw bad('id differs from sha256sum');
  if (owner === '')
    throw new Failure('not-permitted', 'cannot make the object known: nobody owns the calling device yet');
  const storageId = storageIdOf(owner, sha);
  const existing = await objectStore.find(hub.db, storageId);
  if (existing !== undefined && existing.stored !== 0 && existing.linked === null)
    return { row: existing, exists: true, kind: 'object' };
  if (existing !== undefined && existing.linked !== null && (await blobOf(hub.db, existing)) !== undefined)
    return { row: existing, exists: true, kind: 'link' };
  const source = autolink ? await objectStore.publicSource(hub.db, sha, owner) : undefined;
  const now = hub.clock();
  const row: ObjectRow = {
    storage_id: storageId,
    sha,
    owner,
    name: body.objectname ?? existing?.name ?? '',
    size: source?.size ?? sizeOf(body),
    mime: body['mime-type'] || (source?.mime ?? 'application/octet-stream'),
    linked: source?.storage_id ?? null,
    stored: 0,
    created: existing?.created ?? now,
    modified: now,
  };
  await hub.writer.write(async (tx) => {
    await demandObjectQuota(hub, tx, owner, storageId, row.size);
    await objectStore.save(tx, row);
  });
  return { row, exists: source !== undefined, kind: source === undefined ? 'object' : 'link' };
}

/** Storage id of the blob that holds the content of a record; undefined when it was never uploaded. */
export async function blobOf(db: Db, row: ObjectRow): Promise<string | undefined> {
  if (row.linked === null) return row.stored === 0 ? undefined : row.storage_id;
  const source = await objectStore.find(db, row.linked);
  return source === undefined || source.stored === 0 ? undefined : source.storage_id;
}

/** Own record of a hash. @throws Failure 400 for something that is no hash, 403 when there is none */
export async function ownRecord(hub: Hub, owner: string, sha: string): Promise<ObjectRow> {
  if (!isSha(sha)) throw new Failure('bad-request', `cannot find object '${sha}': this is no SHA-256`);
  const row = owner === '' ? undefined : await objectStore.find(hub.db, storageIdOf(owner, sha));
  if (row === undefined) throw new Failure('not-permitted', `cannot find object ${sha} among yours`);
  return row;
}

/** Changes the name of a record; owner and hash must be repeated. */
export async function rename(
  hub: Hub,
  row: ObjectRow,
  { owner, sha256sum, objectname = '' }: { owner: string; sha256sum: string; objectname?: string },
): Promise<ObjectRow> {
  if (owner !== row.owner || sha256sum !== row.sha)
    throw new Failure('bad-request', 'cannot change the object: owner and sha256sum must be repeated as they are');
  const change = { name: objectname, modified: hub.clock() };
  await hub.writer.write((tx) =>
    tx.updateTable('objects').set(change).where('storage_id', '=', row.storage_id).execute(),
  );
  return { ...row, ...change };
}

/** Forgets a record that no live step uses; the collector removes its blob later. */
export async function forget(hub: Hub, row: ObjectRow): Promise<void> {
  await hub.writer.write(async (tx) => {
    if (await objectStore.inUse(tx, row.storage_id))
      throw new Failure('in-use', `cannot delete object ${row.sha}: a revision uses it`);
    await tx.deleteFrom('objects').where('storage_id', '=', row.storage_id).execute();
  });
}
