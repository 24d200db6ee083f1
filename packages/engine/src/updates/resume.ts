/**
 * What a start of the runtime makes of what it finds: boot environment, journal, progress (updates.md §5.1). A table; the first row that
 * holds decides.
 */
import { isSameBoot, type Journal } from './journal.ts';
import { isFailed, type Progress } from './progress.ts';
import type { BootEnvironment } from './protocol.ts';

export interface ResumeFacts {
  environment: BootEnvironment;
  journal: Journal | undefined;
  progress: Readonly<Record<string, Progress>>;
}

export const resumeVerdicts = {
  nothing: 'no update; run the revision',
  'drop-journal': 'the update has ended: remove the journal and its try mark',
  'go-on-installing': 'install again from the beginning, counted as a retry',
  'keep-staged': 'installed and waiting for a reboot',
  'begin-trial': 'first boot of the tried revision: INPROGRESS, goals, TESTING',
  'continue-trial': 'only the runtime has restarted: the trial goes on',
  'mark-updated': 'tested in place; note in the journal that this boot runs it',
  'finish-commit': 'it is the rollback point already: DONE, clear the try mark',
  'abort-trial': 'it has failed and must not run: clear the try mark, reboot',
  'second-boot': 'booted again in the middle of its trial: ERROR, clear the try mark, reboot',
  'rolled-back': 'the boot loader fell back and the failure is stored: clear the try mark',
  'unexpected-rollback': 'the boot loader fell back and nobody knows why: ERROR, then clear the try mark',
  'factory-boot': 'first boot of the factory revision: DONE',
} as const;
export type ResumeVerdict = keyof typeof resumeVerdicts;

interface Facts {
  running: string;
  committed: string;
  tried: string | undefined;
  journal: Journal | undefined;
  sameBoot: boolean;
  of(revision: string): Progress | undefined;
}

interface Row {
  verdict: ResumeVerdict;
  /** In words, for the documentation. */
  rule: string;
  when(facts: Facts): boolean;
}

const stageIs = ({ journal }: Facts, ...stages: Journal['stage'][]): boolean =>
  journal !== undefined && stages.includes(journal.stage);
const ownJournal = (facts: Facts): boolean => facts.journal?.revision === facts.running;
const journalProgress = (facts: Facts): Progress | undefined =>
  facts.journal === undefined ? undefined : facts.of(facts.journal.revision);
const isTrying = ({ running, tried }: Facts): boolean => tried === running;
const hasStatus = (progress: Progress | undefined, ...statuses: Progress['status'][]): boolean =>
  progress !== undefined && statuses.includes(progress.status);

/** The rows in their order. */
export const resumeTable: readonly Row[] = [
  {
    verdict: 'abort-trial',
    rule: 'running a revision that is stored as failed and is not pv_rev',
    when: (f) => isFailed(f.of(f.running)) && f.running !== f.committed,
  },
  {
    verdict: 'drop-journal',
    rule: 'same boot, journal installing, stored as failed',
    when: (f) => f.sameBoot && stageIs(f, 'installing') && isFailed(journalProgress(f)),
  },
  {
    verdict: 'go-on-installing',
    rule: 'same boot, journal installing',
    when: (f) => f.sameBoot && stageIs(f, 'installing'),
  },
  { verdict: 'keep-staged', rule: 'same boot, journal staged', when: (f) => f.sameBoot && stageIs(f, 'staged') },
  { verdict: 'nothing', rule: 'same boot, journal updated', when: (f) => f.sameBoot && stageIs(f, 'updated') },
  {
    verdict: 'finish-commit',
    rule: 'journal trying by reboot, running revision is pv_rev, no try mark',
    when: (f) =>
      stageIs(f, 'trying') &&
      ownJournal(f) &&
      f.tried === undefined &&
      f.committed === f.running &&
      (!f.sameBoot || f.journal?.mode === 'reboot'),
  },
  {
    verdict: 'mark-updated',
    rule: 'same boot, journal trying, stored as UPDATED',
    when: (f) => f.sameBoot && stageIs(f, 'trying') && ownJournal(f) && hasStatus(f.of(f.running), 'UPDATED'),
  },
  {
    verdict: 'continue-trial',
    rule: 'same boot, journal trying',
    when: (f) => f.sameBoot && stageIs(f, 'trying') && ownJournal(f),
  },
  {
    verdict: 'finish-commit',
    rule: 'try mark equals pv_rev: a revision that was the rollback point before',
    when: (f) => f.tried !== undefined && f.tried === f.committed,
  },
  {
    verdict: 'second-boot',
    rule: 'running the tried revision, journal says that an earlier boot was trying it',
    when: (f) => isTrying(f) && stageIs(f, 'trying') && ownJournal(f) && f.journal?.mode === 'reboot',
  },
  { verdict: 'begin-trial', rule: 'running the tried revision', when: isTrying },
  {
    verdict: 'rolled-back',
    rule: 'not running the tried revision, which is stored as failed or DONE',
    when: (f) => f.tried !== undefined && (isFailed(f.of(f.tried)) || hasStatus(f.of(f.tried), 'DONE')),
  },
  {
    verdict: 'unexpected-rollback',
    rule: 'not running the tried revision',
    when: (f) => f.tried !== undefined,
  },
  {
    verdict: 'drop-journal',
    rule: 'journal trying or staged, its revision has ended',
    when: (f) =>
      stageIs(f, 'trying', 'staged') &&
      (isFailed(journalProgress(f)) || hasStatus(journalProgress(f), 'DONE', 'UPDATED')),
  },
  {
    verdict: 'second-boot',
    rule: 'journal trying, running its revision without try mark though it is not pv_rev',
    when: (f) => stageIs(f, 'trying') && ownJournal(f),
  },
  {
    verdict: 'unexpected-rollback',
    rule: 'journal trying or staged, not running its revision',
    when: (f) => stageIs(f, 'trying', 'staged'),
  },
  { verdict: 'drop-journal', rule: 'journal updated, from an earlier boot', when: (f) => stageIs(f, 'updated') },
  {
    verdict: 'drop-journal',
    rule: 'journal installing, stored as failed',
    when: (f) => stageIs(f, 'installing') && isFailed(journalProgress(f)),
  },
  { verdict: 'go-on-installing', rule: 'journal installing', when: (f) => stageIs(f, 'installing') },
  {
    verdict: 'factory-boot',
    rule: 'running 0, which is pv_rev and not DONE',
    when: (f) => f.running === '0' && f.committed === '0' && !isFailed(f.of('0')) && !hasStatus(f.of('0'), 'DONE'),
  },
  { verdict: 'nothing', rule: 'otherwise', when: () => true },
];

/** The verdict, and the revision that it is about. */
export interface Resume {
  verdict: ResumeVerdict;
  revision: string;
}

/** Reads the table. Pure. */
export function decideResume({ environment, journal, progress }: ResumeFacts): Resume {
  const { running, committed, tried } = environment;
  const facts: Facts = {
    running,
    committed,
    tried,
    journal,
    sameBoot: isSameBoot(journal, environment.bootId),
    of: (revision) => (Object.hasOwn(progress, revision) ? progress[revision] : undefined),
  };
  const { verdict } = resumeTable.find((row) => row.when(facts))!;
  return { verdict, revision: subjectOf(verdict, facts) };
}

function subjectOf(verdict: ResumeVerdict, { running, tried, journal }: Facts): string {
  switch (verdict) {
    case 'rolled-back':
    case 'unexpected-rollback':
      return tried ?? journal?.revision ?? running;
    case 'go-on-installing':
    case 'keep-staged':
    case 'drop-journal':
      return journal?.revision ?? running;
    case 'finish-commit':
      return tried ?? running;
    default:
      return running;
  }
}
