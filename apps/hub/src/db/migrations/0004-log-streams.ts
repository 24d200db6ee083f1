import { type Kysely, sql } from 'kysely';

/** How far each stream of log entries of a device is stored, so that a batch that comes twice is stored once. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create table log_streams (dev text not null, stream text not null, next bigint not null, modified bigint not null,
       primary key (dev, stream))`,
    )
    .execute(db);
  await sql.raw('create index log_streams_modified on log_streams (modified)').execute(db);
}
