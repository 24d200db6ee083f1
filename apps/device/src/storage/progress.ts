/** The progress file of a revision (updates.md §3): how it is written, byte for byte, and how it is read. */
import type { Files } from '../host/ports.ts';
import { makeTree, readIfThere, writeDurable } from './durable.ts';
import type { StorageLayout } from './layout.ts';

/** Sum over all objects of a running download. Times in seconds since 1970. */
export interface DownloadProgress {
  totalSize: number;
  totalDownloaded: number;
  startTime: number;
  currentTime: number;
}

export interface Progress {
  /** `NEW`, `QUEUED`, `DOWNLOADING`, `INPROGRESS`, `TESTING`, `UPDATED`, `DONE`, `WONTGO` or `ERROR`. */
  status: string;
  message: string | null;
  /** 0 to 100. */
  progress: number;
  retries: number;
  downloads?: DownloadProgress;
  /** Last error lines of the log. */
  logs?: string;
}

/**
 * Files above this are read as if they were not there. The original stops at 4096 bytes, which an error with its log lines can
 * exceed, so that it forgets that the revision failed.
 */
export const progressLimit = 65536;

/** Compact JSON in the member order that readers of the original know. */
export function formatProgress({ status, message, progress, retries, downloads, logs }: Progress): string {
  return JSON.stringify({
    status,
    'status-msg': message,
    progress,
    retries,
    ...(downloads && {
      downloads: {
        total: {
          object_name: 'total',
          object_id: 'none',
          total_size: downloads.totalSize,
          total_downloaded: downloads.totalDownloaded,
          start_time: downloads.startTime,
          current_time: downloads.currentTime,
        },
      },
    }),
    ...(logs !== undefined && { logs }),
  });
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function wholeNumber(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? Math.trunc(value) : 0;
}

/** Reads what {@link formatProgress} wrote, or another version of the program; undefined when it tells no status. */
export function parseProgress(text: string): Progress | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const status = member(value, 'status');
  if (typeof status !== 'string' || status === '') return undefined;
  const message = member(value, 'status-msg');
  const total = member(member(value, 'downloads'), 'total');
  const logs = member(value, 'logs');
  return {
    status,
    message: typeof message === 'string' ? message : null,
    progress: wholeNumber(member(value, 'progress')),
    retries: wholeNumber(member(value, 'retries')),
    ...(typeof total === 'object' && total !== null
      ? {
          downloads: {
            totalSize: wholeNumber(member(total, 'total_size')),
            totalDownloaded: wholeNumber(member(total, 'total_downloaded')),
            startTime: wholeNumber(member(total, 'start_time')),
            currentTime: wholeNumber(member(total, 'current_time')),
          },
        }
      : {}),
    ...(typeof logs === 'string' && { logs }),
  };
}

/** Saves the progress of a revision. Cut: the earlier progress or this one. The directory need not exist. */
export async function saveProgress(
  files: Files,
  layout: StorageLayout,
  revision: string,
  progress: Progress,
): Promise<void> {
  const paths = layout.revision(revision);
  await makeTree(files, paths.device);
  await writeDurable(files, paths.progress, formatProgress(progress));
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
