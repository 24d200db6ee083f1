import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sql } from 'kysely';
import { extract, type Pack, pack } from 'tar-stream';
import type { Db, Tables } from '../db/schema.ts';
import { noteAllFollowing } from '../followers/queue.ts';
import type { Hub } from '../hub.ts';

/** Every table with its key, in the order of restoring. The format is the same for both databases and both blob stores. */
const keys: Record<keyof Tables, string[]> = {
  settings: ['name'],
  accounts: ['id'],
  profiles: ['prn'],
  invitations: ['code'],
  devices: ['id'],
  join_tokens: ['id'],
  trails: ['id'],
  steps: ['id'],
  step_objects: ['step_id', 'storage_id'],
  step_reports: ['seq'],
  objects: ['storage_id'],
  logs: ['seq'],
  log_streams: ['dev', 'stream'],
  apps: ['id'],
  access_tokens: ['id'],
  grants: ['id'],
  codes: ['code'],
  subscriptions: ['id'],
  bandwidth: ['owner', 'month'],
  sessions: ['id'],
  meta_changes: ['seq'],
  follow_work: ['id'],
};
const tables = Object.keys(keys) as (keyof Tables)[];
const rowsPerFile = 1000;
const format = 'pantahub-backup-1';

type Row = Record<string, unknown>;

/** What a backup or a restore went through. */
export interface Copied {
  rows: number;
  blobs: number;
}

/**
 * Writes everything into one tar archive: first all tables as of one moment, then the blobs they name. May run while the hub
 * serves; what is uploaded meanwhile is simply not in it.
 */
export async function backUp(hub: Hub, file: string): Promise<Copied> {
  const tar = pack();
  const written = pipeline(tar, createWriteStream(file, { mode: 0o600, flush: true }));
  const fill = async (): Promise<Copied> => {
    await addText(tar, 'backup.json', JSON.stringify({ format, tables }));
    const transaction = hub.db.transaction();
    const consistent =
      hub.database.dialect === 'postgres' ? transaction.setIsolationLevel('repeatable read') : transaction;
    const { rows, stored } = await consistent.execute((tx) => dumpTables(tx, tar));
    let blobs = 0;
    for (const key of stored) {
      const blob = await hub.blobs.get(key);
      // Deleted since the snapshot: its record is restored without content, and the next client uploads it.
      if (blob === undefined) continue;
      await addStream(tar, `blobs/${key}`, blob.size, blob.stream);
      blobs += 1;
    }
    tar.finalize();
    return { rows, blobs };
  };
  const filled = fill().catch((error: unknown) => {
    tar.destroy(error as Error);
    throw error;
  });
  const [copied] = await Promise.all([filled, written]);
  return copied;
}

async function dumpTables(tx: Db, tar: Pack): Promise<{ rows: number; stored: string[] }> {
  let total = 0;
  const stored: string[] = [];
  for (const table of tables)
    for (let after: Row | undefined, part = 0; ; part += 1) {
      const rows = await readRows(tx, table, after);
      after = rows.at(-1);
      if (after === undefined) break;
      await addText(
        tar,
        `tables/${table}.${String(part).padStart(6, '0')}.jsonl`,
        rows.map((row) => JSON.stringify(row)).join('\n'),
      );
      total += rows.length;
      if (table === 'objects') for (const row of rows) if (row.stored === 1) stored.push(String(row.storage_id));
    }
  return { rows: total, stored };
}

async function readRows(tx: Db, table: keyof Tables, after: Row | undefined): Promise<Row[]> {
  const columns = sql.join(keys[table].map((key) => sql.ref(key)));
  const behind =
    after === undefined
      ? sql``
      : sql`where (${columns}) > (${sql.join(keys[table].map((key) => sql.val(after[key])))})`;
  const { rows } =
    await sql<Row>`select * from ${sql.table(table)} ${behind} order by ${columns} limit ${sql.lit(rowsPerFile)}`.execute(
      tx,
    );
  return rows;
}

function addText(tar: Pack, name: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  return addStream(tar, name, bytes.length, Readable.from([bytes]));
}

function addStream(tar: Pack, name: string, size: number, content: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    const entry = tar.entry({ name, size, mode: 0o600 });
    entry.on('error', reject);
    entry.on('finish', resolve);
    content.on('error', reject);
    content.pipe(entry);
  });
}

/**
 * Reads a backup into an empty hub: another folder, another database, another blob store. Every blob is checked against its
 * hash on the way in.
 * @throws Error when the hub is not empty or the file is no backup
 */
export async function restore(hub: Hub, file: string): Promise<Copied> {
  const someone = await hub.db.selectFrom('accounts').select('id').limit(1).executeTakeFirst();
  const something = await hub.db.selectFrom('devices').select('id').limit(1).executeTakeFirst();
  if (someone !== undefined || something !== undefined)
    throw new Error('cannot restore: this hub is not empty; give an empty --data folder and database');
  const archive = extract();
  const copied: Copied = { rows: 0, blobs: 0 };
  const read = pipeline(createReadStream(file), archive);
  read.catch(() => undefined);
  let recognised = false;
  for await (const source of archive) {
    const { name } = source.header;
    const entry = source as unknown as Readable;
    if (name === 'backup.json') recognised = (JSON.parse(await textOf(entry)) as { format: string }).format === format;
    else if (!recognised) throw new Error(`cannot restore ${file}: it is no backup of pantahub`);
    else if (name.startsWith('tables/')) copied.rows += await restoreRows(hub, name, await textOf(entry));
    else if (name.startsWith('blobs/')) copied.blobs += await restoreBlob(hub, name.slice('blobs/'.length), entry);
  }
  await read;
  if (!recognised) throw new Error(`cannot restore ${file}: it is no backup of pantahub`);
  await continueSequences(hub);
  await noteAllFollowing(hub.db);
  return copied;
}

async function textOf(stream: Readable): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces).toString('utf8');
}

async function restoreRows(hub: Hub, name: string, text: string): Promise<number> {
  const table = name.slice('tables/'.length).split('.')[0] as keyof Tables;
  if (!tables.includes(table)) throw new Error(`cannot restore ${name}: there is no such table`);
  const rows = text.split('\n').map((line) => JSON.parse(line) as Row);
  await hub.writer.write(async (tx) => {
    // Keys drawn when the empty hub was opened give way to those of the backup.
    if (table === 'settings') await tx.deleteFrom('settings').execute();
    const chunk = 200;
    for (let index = 0; index < rows.length; index += chunk)
      await tx
        .insertInto(table)
        .values(rows.slice(index, index + chunk) as never)
        .execute();
  });
  return rows.length;
}

async function restoreBlob(hub: Hub, key: string, content: Readable): Promise<number> {
  const row = await hub.db
    .selectFrom('objects')
    .select(['size', 'sha'])
    .where('storage_id', '=', key)
    .executeTakeFirst();
  if (row === undefined) throw new Error(`cannot restore blob ${key}: the backup has no record of it`);
  await hub.blobs.put(key, content, row);
  return 1;
}

async function continueSequences(hub: Hub): Promise<void> {
  if (hub.database.dialect !== 'postgres') return;
  for (const table of ['logs', 'step_reports', 'meta_changes'])
    await sql`select setval(pg_get_serial_sequence(${table}, 'seq'), coalesce((select max(seq) from ${sql.table(table)}), 1))`.execute(
      hub.db,
    );
}
