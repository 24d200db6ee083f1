import { type Kysely, sql } from 'kysely';

/**
 * Whom a device follows, as its user metadata (or what its owner set for all devices) says, to be found by it; and what is left
 * to do for followers, stored with what made it necessary.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(db);
  await run('alter table devices add column follows text');
  await run('create index devices_follows on devices (follows, id) where follows is not null');
  await run('alter table profiles add column follows text');
  await run('create index profiles_follows on profiles (follows) where follows is not null');
  await run(
    `create table follow_work (id text primary key, kind text not null, device text not null, past text not null,
     stamp text not null, due bigint not null)`,
  );
  await run('create index follow_work_due on follow_work (due, id)');
}
