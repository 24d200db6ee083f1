import { type Kysely, sql } from 'kysely';
import type { Dialect } from '../open.ts';

/**
 * What the console needs: logins of browsers, who changed which user metadata, and the status of a device beside its trail, so
 * that a fleet can be counted by status without reading every revision.
 */
export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const seq = dialect === 'sqlite' ? 'seq integer primary key autoincrement' : 'seq bigserial primary key';
  const run = (text: string) => sql.raw(text).execute(db);
  await run(
    `create table sessions (id text primary key, digest text not null unique, prn text not null, claims text not null,
     agent text not null, address text not null, created bigint not null, seen bigint not null, expires bigint not null)`,
  );
  await run('create index sessions_prn on sessions (prn)');
  await run('create index sessions_expires on sessions (expires)');
  await run(
    `create table meta_changes (${seq}, device text not null, time bigint not null, prn text not null,
     name text not null, was text, became text)`,
  );
  await run('create index meta_changes_device on meta_changes (device, seq)');
  await run(`alter table trails add column status text not null default 'DONE'`);
  await run(
    `update trails set status = coalesce(
       (select status from steps where steps.trail_id = trails.id and steps.rev = trails.progress_rev), 'DONE')`,
  );
  await run('create index trails_status on trails (id, status, progress_rev, last_rev)');
}
