/** What the progress of a revision says about an update that was asked for (updates.md §2). */
import type { ProgressJson } from '@pantavisor/ctrl-api';

export interface Outcome {
  revision: string;
  status: ProgressJson['status'];
  message: string;
  /** Last errors of the log, when it failed. */
  reasons: string[];
}

/** One look at the device. */
export interface Look {
  progress: ProgressJson | undefined;
  /** Milliseconds since the command. */
  elapsed: number;
}

const ends: readonly ProgressJson['status'][] = ['DONE', 'UPDATED', 'ERROR', 'WONTGO'];
/** Milliseconds after which a progress that has not changed since the command counts as the answer to it. */
const settled = 6000;

export const isFailure = ({ status }: Pick<Outcome, 'status'>): boolean => status === 'ERROR' || status === 'WONTGO';

/**
 * Whether an update has come to its end. The device carries a command out a moment after it took it: what the progress said before says
 * nothing about it, until some time has gone by without a change.
 * @param before progress as it was before the command
 */
export function hasEnded(
  before: ProgressJson | undefined,
  { progress, elapsed }: Look,
  wasSeenGoing: boolean,
): boolean {
  if (progress === undefined || !ends.includes(progress.status)) return false;
  const isSame = before !== undefined && JSON.stringify(before) === JSON.stringify(progress);
  return wasSeenGoing || !isSame || elapsed >= settled;
}

/** Messages of the log lines that go with a failure, without those that are said twice. */
export function reasonsIn({ logs }: Pick<ProgressJson, 'logs'>): string[] {
  const found = (logs ?? '').split('\n').flatMap((line) => {
    try {
      const { msg } = JSON.parse(line) as { msg?: unknown };
      return typeof msg === 'string' && msg !== '' ? [msg] : [];
    } catch {
      return line.trim() === '' ? [] : [line.trim()];
    }
  });
  return [...new Set(found)];
}

/** How far it is, from 0 to 1: by its status, and by bytes while it downloads. */
export function shareOf({ progress, downloads }: ProgressJson): number {
  const total = downloads?.total;
  if (total && total.total_size > 0) return 0.05 + (0.45 * total.total_downloaded) / total.total_size;
  return Math.max(0, Math.min(1, progress / 100));
}
