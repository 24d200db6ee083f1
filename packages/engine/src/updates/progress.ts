/** Progress of a revision: statuses, their numbers, the exact messages, and the file that keeps them (updates.md §2, §3). */

/** Statuses with the number that clients draw as a bar. */
export const progressNumbers = {
  NEW: 0,
  QUEUED: 5,
  DOWNLOADING: 25,
  INPROGRESS: 50,
  TESTING: 75,
  UPDATED: 100,
  DONE: 100,
  WONTGO: 100,
  ERROR: 100,
} as const;
export type ProgressStatus = keyof typeof progressNumbers;

/** The words that clients and the Hub know. `%d` stand for numbers in the order in which `progressMessage` takes them. */
export const progressMessages = {
  'not-installed': 'Update not yet installed',
  ready: 'Update ready to be run',
  retried: 'Retried %d of %d',
  'downloading-metadata': 'Downloading update metadata, retry %d of %d',
  'downloading-artifacts': 'Downloading update artifacts, retry %d of %d',
  trying: 'Trying new revision',
  transitioning: 'Transitioning to new revision without rebooting',
  rebooting: 'Rebooting',
  applied: 'Update applied',
  'awaiting-commit': 'Awaiting to set rollback point if update is stable',
  'awaiting-stable': 'Awaiting to see if update is stable',
  'awaiting-containers': 'Waiting for all containers to become stable',
  updated: 'Update finished, revision not set as rollback point',
  done: 'Update finished, revision set as rollback point',
  factory: 'Factory revision',
  aborted: 'Update aborted',
  'processing-retries': 'Max update processing retries reached',
  'download-retries': 'Max download update retries reached',
  'state-not-found': 'State JSON not found',
  'state-bad-format': 'State JSON has bad format',
  space: 'Space required %d B, available %d B',
  internal: 'Internal error',
  'signature-failed': 'Signature validation failed',
  'signature-coverage': 'State not fully covered by signatures',
  'signature-unknown': 'Unknown error',
  'objects-invalid': 'Object validation went wrong',
  'hub-unreachable': 'Hub not reachable',
  'hub-unstable': 'Hub communication not stable',
  'goal-not-reached': 'Status goal not reached',
  'container-failed': 'A container could not be started',
  'unexpected-rollback': 'Unexpected rollback',
} as const;
export type ProgressMessage = keyof typeof progressMessages;

/** Which messages go with which status. `Update applied` and `Update aborted`, which the original defines but never sends, are in use here. */
export const messagesOf: { readonly [S in ProgressStatus]: readonly ProgressMessage[] } = {
  NEW: ['not-installed', 'ready'],
  QUEUED: ['retried', 'downloading-metadata'],
  DOWNLOADING: ['downloading-artifacts'],
  INPROGRESS: ['trying', 'transitioning', 'rebooting', 'applied'],
  TESTING: ['awaiting-commit', 'awaiting-stable', 'awaiting-containers'],
  UPDATED: ['updated'],
  DONE: ['done', 'factory'],
  WONTGO: [
    'aborted',
    'processing-retries',
    'download-retries',
    'state-not-found',
    'state-bad-format',
    'space',
    'internal',
    'signature-failed',
    'signature-coverage',
    'signature-unknown',
  ],
  ERROR: [
    'objects-invalid',
    'hub-unreachable',
    'hub-unstable',
    'goal-not-reached',
    'container-failed',
    'unexpected-rollback',
    'state-not-found',
    'internal',
    'signature-failed',
    'signature-coverage',
    'signature-unknown',
  ],
};

/** What is stored of a revision. `message` may be null in files of the original. */
export interface Progress {
  status: ProgressStatus;
  message: string | null;
  retries: number;
}

/** Bytes of a running download; times are Unix seconds. */
export interface Downloads {
  totalSize: number;
  totalDownloaded: number;
  startTime: number;
  currentTime: number;
}

/** The text of a message, its numbers filled in. */
export function progressMessage(message: ProgressMessage, ...numbers: number[]): string {
  let next = 0;
  return progressMessages[message].replace(/%d/g, () => String(numbers[next++] ?? 0));
}

export function isFailed(progress: Progress | undefined): boolean {
  return progress?.status === 'WONTGO' || progress?.status === 'ERROR';
}

export function isFinal(progress: Progress | undefined): boolean {
  return isFailed(progress) || progress?.status === 'DONE' || progress?.status === 'UPDATED';
}

/**
 * The document as `.pv/progress` holds it and the Hub gets it: compact, members in the original's order. `downloads` appears only while
 * DOWNLOADING.
 */
export function progressText(progress: Progress, extra: { downloads?: Downloads; logs?: string } = {}): string {
  const { downloads, logs } = extra;
  return JSON.stringify({
    status: progress.status,
    'status-msg': progress.message,
    progress: progressNumbers[progress.status],
    retries: progress.retries,
    ...(downloads === undefined || progress.status !== 'DOWNLOADING'
      ? {}
      : {
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
    ...(logs === undefined ? {} : { logs }),
  });
}

/** Reads a stored or received document; members it does not know are left alone. Undefined when it is no progress at all. */
export function parseProgress(text: string): Progress | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { status, 'status-msg': message, retries } = value as Record<string, unknown>;
  if (typeof status !== 'string' || !Object.hasOwn(progressNumbers, status)) return undefined;
  return {
    status: status as ProgressStatus,
    message: typeof message === 'string' ? message : null,
    retries: typeof retries === 'number' && Number.isSafeInteger(retries) && retries >= 0 ? retries : 0,
  };
}
