/** Progress that the Hub does not know yet, oldest first. It survives times without the Hub, in order. */
import type { HubReport } from './protocol.ts';

/** Reports that are kept at most. */
export const outboxLimit = 64;

const finals = new Set(['DONE', 'UPDATED', 'WONTGO', 'ERROR']);

/**
 * Adds a report. The bytes of a running download replace earlier ones of the same download, as long as nothing came in between. When
 * there are too many, the oldest goes that is not the end of an update.
 */
export function enqueue(outbox: readonly HubReport[], report: HubReport): readonly HubReport[] {
  const last = outbox.at(-1);
  const same = last?.revision === report.revision && last.status === report.status;
  if (same && report.status === 'DOWNLOADING') return [...outbox.slice(0, -1), report];
  if (same && last.body === report.body) return outbox;
  const next = [...outbox, report];
  if (next.length <= outboxLimit) return next;
  const victim = Math.max(
    0,
    next.findIndex(({ status }) => !finals.has(status)),
  );
  return next.filter((_, index) => index !== victim);
}
