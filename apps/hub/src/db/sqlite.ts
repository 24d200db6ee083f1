import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import type { Tables } from './schema.ts';

/** Statements are compiled once: the same few dozen texts come again and again. */
const cachedStatements = 500;

const pragmas = [
  'journal_mode = WAL',
  // FULL: a commit that was acknowledged survives a power cut, not only a crash. Group commit pays for it.
  'synchronous = FULL',
  'foreign_keys = OFF',
  'busy_timeout = 10000',
  'cache_size = -65536',
  'journal_size_limit = 67108864',
  'temp_store = MEMORY',
];

/** Shape that Kysely's SQLite dialect wants, over the SQLite that is part of Node. */
class NodeSqlite {
  readonly raw: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string) {
    this.raw = new DatabaseSync(file);
    for (const pragma of pragmas) this.raw.exec(`pragma ${pragma}`);
  }

  prepare(sql: string) {
    const statement = this.#statement(sql);
    const reader = statement.columns().length > 0;
    return {
      reader,
      all: (parameters: readonly unknown[]) => statement.all(...(parameters as SQLInputValue[])),
      run: (parameters: readonly unknown[]) => {
        // A full disk makes SQLite roll back by itself; the rollback that follows must not hide why.
        if (sql === 'rollback' && !this.raw.isTransaction) return { changes: 0, lastInsertRowid: 0 };
        return statement.run(...(parameters as SQLInputValue[]));
      },
      iterate: (parameters: readonly unknown[]) => statement.iterate(...(parameters as SQLInputValue[])),
    };
  }

  close(): void {
    this.#statements.clear();
    this.raw.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    if (this.#statements.size >= cachedStatements) this.#statements.clear();
    const made = this.raw.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}

/** Opens one SQLite file, in WAL mode, created when missing. */
export function openSqlite(file: string): { db: Kysely<Tables>; raw: DatabaseSync } {
  const database = new NodeSqlite(file);
  return { db: new Kysely<Tables>({ dialect: new SqliteDialect({ database }) }), raw: database.raw };
}
