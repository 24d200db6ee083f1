import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SideReader } from './reader.ts';
import { openSqlite } from './sqlite.ts';

/** Takes a while. */
const counting = `with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000) select count(*) as c from n`;

test('another thread reads what was committed, cannot write, and comes again after it ended', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'reader-'));
  const file = join(folder, 'hub.db');
  const { db, raw } = openSqlite(file);
  const reader = new SideReader(file);
  t.after(async () => {
    await reader.close();
    await db.destroy();
    rmSync(folder, { recursive: true, force: true });
  });
  raw.exec('create table things (name text, size integer)');
  const ask = (sql: string, ...parameters: unknown[]) => reader.read<{ name: string }>({ sql, parameters });
  for (const name of ['a', 'b']) {
    raw.prepare('insert into things values (?, 1)').run(name);
    const rows = await ask('select name from things where size = ? order by name desc limit 1', 1);
    assert.deepEqual(
      rows.map((row) => row.name),
      [name],
    );
  }
  await assert.rejects(ask(`insert into things values ('c', 1)`), /cannot read the database: .*readonly/);
  await assert.rejects(ask('select nonsense from things'), /cannot read the database: no such column: nonsense/);
  const late = assert.rejects(ask(counting), /cannot read the database: the database is closed/);
  await reader.close();
  await late;
  assert.equal((await ask('select name from things')).length, 2);
});

test('while the other thread counts, this one does something else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'reader-'));
  const file = join(folder, 'hub.db');
  const { db } = openSqlite(file);
  const reader = new SideReader(file);
  t.after(async () => {
    await reader.close();
    await db.destroy();
    rmSync(folder, { recursive: true, force: true });
  });
  const order: string[] = [];
  const counted = reader
    .read<{ c: number }>({ sql: counting, parameters: [] })
    .then(([row]) => order.push(`counted ${row?.c}`));
  await new Promise((resolve) => setImmediate(resolve));
  order.push('meanwhile');
  await counted;
  assert.deepEqual(order, ['meanwhile', 'counted 2000000']);
});
