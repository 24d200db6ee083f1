import { type Kysely, sql } from 'kysely';
import type { Dialect } from '../open.ts';

/** Keeps every progress report with a new status or message, not only the last: the reason of a failure must survive. */
export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const seq = dialect === 'sqlite' ? 'seq integer primary key autoincrement' : 'seq bigserial primary key';
  await sql
    .raw(
      `create table step_reports (${seq}, step_id text not null, time bigint not null, status text not null,
       status_msg text not null, progress bigint not null)`,
    )
    .execute(db);
  await sql.raw('create index step_reports_step on step_reports (step_id, seq)').execute(db);
  // Steps from before have at least their last report.
  await sql
    .raw(
      `insert into step_reports (step_id, time, status, status_msg, progress)
       select id, progress_time, status, '', 0 from steps where progress_time > 0`,
    )
    .execute(db);
}
