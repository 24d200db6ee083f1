/** Everything that can end an update badly, and what the world is told about it (updates.md §2, §4, §5). */
import type { Reason } from '../protocol.ts';
import { type Progress, type ProgressMessage, type ProgressStatus, progressMessage } from './progress.ts';

type FailedStatus = Extract<ProgressStatus, 'WONTGO' | 'ERROR'>;

interface FailureRule {
  /** Status while the revision is being prepared; absent when it cannot happen then. */
  installing?: FailedStatus;
  /** Status once the revision is being tried; absent when it cannot happen then. */
  trying?: FailedStatus;
  message: ProgressMessage;
}

/** One row a failure. The code is ours and stable; status and message are the original's. */
export const failureTable = {
  'state-not-found': { installing: 'WONTGO', trying: 'ERROR', message: 'state-not-found' },
  'state-bad-format': { installing: 'WONTGO', message: 'state-bad-format' },
  /** The state was good when it was installed and is not now. */
  'state-damaged': { trying: 'ERROR', message: 'internal' },
  'signature-failed': { installing: 'WONTGO', trying: 'ERROR', message: 'signature-failed' },
  'signature-coverage': { installing: 'WONTGO', trying: 'ERROR', message: 'signature-coverage' },
  'signature-internal': { installing: 'WONTGO', trying: 'ERROR', message: 'internal' },
  'signature-unknown': { installing: 'WONTGO', trying: 'ERROR', message: 'signature-unknown' },
  /** An object is missing or its content is not what its name says. */
  'objects-invalid': { installing: 'ERROR', trying: 'ERROR', message: 'objects-invalid' },
  'space-short': { installing: 'WONTGO', message: 'space' },
  'processing-retries': { installing: 'WONTGO', message: 'processing-retries' },
  'download-retries': { installing: 'WONTGO', message: 'download-retries' },
  /** A newer request took its place before it ran. */
  superseded: { installing: 'WONTGO', message: 'aborted' },
  'factory-source-untested': { installing: 'WONTGO', message: 'aborted' },
  /** The plan of the update could not be written down; nothing was changed. */
  'journal-unwritable': { installing: 'WONTGO', trying: 'ERROR', message: 'internal' },
  'install-failed': { installing: 'ERROR', message: 'internal' },
  'boot-environment-failed': { installing: 'ERROR', trying: 'ERROR', message: 'internal' },
  'run-failed': { trying: 'ERROR', message: 'internal' },
  /** A container requires a service that none exports. */
  'service-missing': { installing: 'ERROR', trying: 'ERROR', message: 'container-failed' },
  'container-failed': { trying: 'ERROR', message: 'container-failed' },
  'goal-not-reached': { trying: 'ERROR', message: 'goal-not-reached' },
  /** Goals are met, but it does not come to rest in the time that a trial may take. */
  'never-stable': { trying: 'ERROR', message: 'goal-not-reached' },
  'unexpected-rollback': { trying: 'ERROR', message: 'unexpected-rollback' },
  'hub-unreachable': { trying: 'ERROR', message: 'hub-unreachable' },
  'hub-unstable': { trying: 'ERROR', message: 'hub-unstable' },
} as const satisfies Record<string, FailureRule>;
export type FailureCode = keyof typeof failureTable;

/** A failure of one step or of the running revision, with everything known about it. */
export interface Failure {
  code: FailureCode;
  /** File by file, rule by rule; kept and shown beside the original's message. */
  reasons: Reason[];
  /** Bytes, for `space-short`: needed and available. */
  numbers?: [number, number];
}

/** What is stored about a failure: status and message of the original. */
export function failedProgress(failure: Failure, stage: 'installing' | 'trying', retries: number): Progress {
  const rule: FailureRule = failureTable[failure.code];
  return {
    status: rule[stage] ?? 'ERROR',
    message: progressMessage(rule.message, ...(failure.numbers ?? [])),
    retries,
  };
}
