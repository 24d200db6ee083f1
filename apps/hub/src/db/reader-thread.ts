/** The thread of a {@link SideReader}: answers one question after the other. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { ReadAnswer, ReadQuery } from './reader.ts';

const database = new DatabaseSync(workerData as string, { readOnly: true });
database.exec('pragma busy_timeout = 10000');
database.exec('pragma temp_store = MEMORY');

parentPort?.on('message', ({ id, sql, parameters }: ReadQuery & { id: number }) => {
  let answer: ReadAnswer;
  try {
    answer = { id, rows: database.prepare(sql).all(...(parameters as SQLInputValue[])) };
  } catch (error) {
    answer = { id, error: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(answer);
});
