/** The progress file of a revision, and the reasons beside it (storage.md §2, updates.md §3). The engine says what they hold. */
import { type Downloads, type Progress, parseProgress, progressText, type Reason } from '@pantavisor/engine';
import type { Files } from '../host/ports.ts';
import { makeTree, readIfThere, removeDurable, writeDurable } from './durable.ts';
import type { StorageLayout } from './layout.ts';

/**
 * Files above this are read as if they were not there. The original stops at 4096 bytes, which an error with its log lines can
 * exceed, so that it forgets that the revision failed.
 */
export const progressLimit = 65536;

/** What goes with a progress. */
export interface ProgressDetails {
  downloads?: Downloads;
  /** Last error lines of the log. */
  logs?: string;
  /** Kept in a file of their own, since clients of the original know the members of the progress. */
  reasons?: readonly Reason[];
}

/**
 * Saves the progress of a revision. The directory need not exist.
 * Cut: the earlier progress or this one; reasons are there at the latest when the progress is.
 */
export async function saveProgress(
  files: Files,
  layout: StorageLayout,
  revision: string,
  progress: Progress,
  details: ProgressDetails = {},
): Promise<void> {
  const paths = layout.revision(revision);
  const { reasons = [], ...extra } = details;
  await makeTree(files, paths.device);
  if (reasons.length > 0) await writeDurable(files, paths.reasons, JSON.stringify(reasons));
  await writeDurable(files, paths.progress, progressText(progress, extra));
  if (reasons.length === 0) await removeDurable(files, paths.reasons);
}

/** Progress of a revision, or undefined when none was saved that can be read. */
export async function readProgress(
  files: Files,
  layout: StorageLayout,
  revision: string,
): Promise<Progress | undefined> {
  const text = await readIfThere(files, layout.revision(revision).progress, progressLimit);
  return text === undefined ? undefined : parseProgress(text);
}

/** The reasons that were saved with the progress of a revision. */
export async function readReasons(files: Files, layout: StorageLayout, revision: string): Promise<Reason[]> {
  const text = await readIfThere(files, layout.revision(revision).reasons, progressLimit);
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value.filter(isReason) : [];
  } catch {
    return [];
  }
}

function isReason(value: unknown): value is Reason {
  const { code, message } = (value ?? {}) as Record<string, unknown>;
  return typeof code === 'string' && typeof message === 'string';
}
