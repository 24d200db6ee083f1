/** Which entries of a batch were stored before: a device that did not get the answer sends the same again (hub-api §8). */
import type { Tx } from '../db/schema.ts';
import { Failure } from '../http/failure.ts';

/** Entries of one stream that follow each other in a batch; `first` is the number of the first one in its stream. */
export interface LogRun {
  stream: string;
  first: number;
  count: number;
}

const mostRuns = 256;
const pattern = /^([0-9a-f]{1,32}):(\d{1,15}):(\d{1,6})$/;

/**
 * Reads the header `Pantahub-Log-Runs`: `<stream>:<first>:<count>`, separated by commas, in the order of the entries. A stream is up to 32 hex digits that
 * the device chose.
 * @param entries how many entries the batch has
 * @throws Failure 400 when it is malformed or speaks of another number of entries
 */
export function readRuns(text: string | undefined, entries: number): LogRun[] | undefined {
  if (text === undefined) return undefined;
  const runs = text.split(',').map((part): LogRun => {
    const [, stream = '', first, count] = pattern.exec(part.trim()) ?? [];
    return { stream, first: Number(first), count: Number(count) };
  });
  const total = runs.reduce((sum, { count }) => sum + count, 0);
  if (total === entries && runs.length <= mostRuns) return runs;
  throw new Failure(
    'bad-request',
    `cannot store logs: the header Pantahub-Log-Runs does not tell of ${entries} entries`,
  );
}

/** The rows of a batch that are new, and the note of how far each stream has come, in one transaction with the rows themselves. */
export async function takeNew<Row>(
  tx: Tx,
  dev: string,
  runs: readonly LogRun[],
  rows: readonly Row[],
  now: number,
): Promise<Row[]> {
  const streams = [...new Set(runs.map(({ stream }) => stream))];
  const known = await tx
    .selectFrom('log_streams')
    .select(['stream', 'next'])
    .where('dev', '=', dev)
    .where('stream', 'in', streams)
    .execute();
  const next = new Map(known.map((row) => [row.stream, Number(row.next)]));
  const fresh: Row[] = [];
  let at = 0;
  for (const { stream, first, count } of runs) {
    const stored = Math.min(count, Math.max(0, (next.get(stream) ?? 0) - first));
    fresh.push(...rows.slice(at + stored, at + count));
    next.set(stream, Math.max(next.get(stream) ?? 0, first + count));
    at += count;
  }
  for (const [stream, value] of next)
    await tx
      .insertInto('log_streams')
      .values({ dev, stream, next: value, modified: now })
      .onConflict((conflict) => conflict.columns(['dev', 'stream']).doUpdateSet({ next: value, modified: now }))
      .execute();
  return fresh;
}
