import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { SideReader } from './reader.ts';
import type { Db, Tables } from './schema.ts';
import { openSqlite } from './sqlite.ts';

export type Dialect = 'sqlite' | 'postgres';

export interface OpenDatabase {
  db: Db;
  dialect: Dialect;
  /** connection pool, PostgreSQL only: events between replicas need a connection of their own */
  pool?: pg.Pool;
  /** the SQLite connection, for its online backup */
  sqlite?: DatabaseSync;
  /** reads what looks at very many rows, SQLite only: PostgreSQL does that elsewhere anyway */
  reader?: SideReader;
  close(): Promise<void>;
}

const int8 = 20;
const numbersAsNumbers = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

/**
 * Opens the database.
 * @param url `sqlite:<file>` or `postgres://…`
 * @param poolSize connections to PostgreSQL
 */
export function openDatabase(url: string, poolSize = 10): OpenDatabase {
  if (url.startsWith('sqlite:')) {
    const file = url.slice('sqlite:'.length);
    if (!existsSync(dirname(file))) mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const { db, raw } = openSqlite(file);
    const reader = new SideReader(file);
    const close = async () => {
      await reader.close();
      await db.destroy();
    };
    return { db, dialect: 'sqlite', sqlite: raw, reader, close };
  }
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new Error(`cannot open database '${url.split(':')[0]}:…': give sqlite:<file> or postgres://user@host/name`);
  const pool = new pg.Pool({ connectionString: url, max: poolSize, types: numbersAsNumbers });
  // A connection that breaks while idle is replaced by the pool; without a listener the process would end.
  pool.on('error', () => undefined);
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return { db, dialect: 'postgres', pool, close: () => db.destroy() };
}

/** Whether an error of either database says that a unique key is taken. */
export function isDuplicate(thrown: unknown): boolean {
  const { code, errcode } = (thrown ?? {}) as { code?: unknown; errcode?: unknown };
  // PostgreSQL unique_violation; SQLITE_CONSTRAINT_UNIQUE and _PRIMARYKEY.
  return code === '23505' || errcode === 2067 || errcode === 1555;
}
