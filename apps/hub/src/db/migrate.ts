import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import * as first from './migrations/0001-first.ts';
import * as stepReports from './migrations/0002-step-reports.ts';
import * as console from './migrations/0003-console.ts';
import * as logStreams from './migrations/0004-log-streams.ts';
import * as followers from './migrations/0005-followers.ts';
import * as deviceTags from './migrations/0006-device-tags.ts';
import type { Dialect } from './open.ts';
import type { Tables } from './schema.ts';

/** Every migration in order. Entries are only ever added: a released one is history. */
export const migrations: Record<string, { up(db: Kysely<unknown>, dialect: Dialect): Promise<void> }> = {
  '0001-first': first,
  '0002-step-reports': stepReports,
  '0003-console': console,
  '0004-log-streams': logStreams,
  '0005-followers': followers,
  '0006-device-tags': deviceTags,
};

/**
 * Brings the database to the newest version, or to a named one (tests). Several hubs may start at once: one migrates.
 * @returns names of the migrations that were applied
 * @throws Error "cannot migrate …" with the cause; also when the database comes from a newer hub
 */
export async function migrate(db: Kysely<Tables>, dialect: Dialect, target?: string): Promise<string[]> {
  const provider = {
    getMigrations: async () =>
      Object.fromEntries(
        Object.entries(migrations).map(([name, { up }]) => [name, { up: (trx: Kysely<unknown>) => up(trx, dialect) }]),
      ),
  };
  const migrator = new Migrator({ db, provider });
  const { error, results = [] } =
    target === undefined ? await migrator.migrateToLatest() : await migrator.migrateTo(target);
  if (error !== undefined)
    throw new Error(
      `cannot migrate the database: ${error instanceof Error ? error.message : String(error)}. ` +
        'A database of a newer pantahub cannot be opened by an older one; otherwise restore the last backup.',
      { cause: error },
    );
  return results.map(({ migrationName }) => migrationName);
}
