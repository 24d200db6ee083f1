/** The first thing after a start: what the resume table says, as tasks (updates.md §5.1, §5.3). */
import type { Reason } from '../protocol.ts';
import { superseded } from './install.ts';
import { isSameBoot, type Journal } from './journal.ts';
import { type Attempt, createAttempt, type Task } from './model.ts';
import { isFailed, isFinal, type Progress, progressMessage } from './progress.ts';
import type { UpdateEventBody, UpdateKind } from './protocol.ts';
import { decideResume, type Resume, resumeVerdicts } from './resume.ts';
import { doneProgress } from './trial.ts';
import { act, journalAtRest, journalOf, may, must, progressStep, type UpdateTurn } from './turn.ts';

type Boot = Extract<UpdateEventBody, { type: 'update.boot' }>;

/** Takes what was found, decides by the table, and queues what follows. */
export function boot(turn: UpdateTurn, event: Boot): void {
  const { environment, journal, settings } = event;
  const resume = decideResume({ environment, journal, progress: event.progress });
  turn.put({ environment, settings, base: baseOf(event) });
  turn.note({
    code: `resume-${resume.verdict}`,
    message: `${resume.revision}: ${resumeVerdicts[resume.verdict]}`,
    detail: `running ${environment.running}, pv_rev ${environment.committed}, pv_try ${environment.tried ?? 'empty'}`,
  });
  turn.append(tasksOf(turn, event, resume));
  if (resume.verdict !== 'begin-trial' && isUnfinishedInstall(event, resume.revision)) turn.append([goOn(event)]);
}

/** What holds beside the thing in hand, in the same boot only; a staged revision that was pushed aside does not any more. */
function baseOf(event: Boot): Journal | undefined {
  const { journal, environment } = event;
  if (!isSameBoot(journal, environment.bootId)) return undefined;
  const resting = journal.stage === 'staged' || journal.stage === 'updated' ? journal : journal.base;
  return resting?.stage === 'staged' && isFailed(storedOf(event, resting.revision)) ? resting.base : resting;
}

/** An installation that has nothing to do with what the boot was about; it goes on after it. */
function isUnfinishedInstall(event: Boot, subject: string): boolean {
  const { journal } = event;
  return (
    journal?.stage === 'installing' && journal.revision !== subject && !isFailed(storedOf(event, journal.revision))
  );
}

/** What is stored about the journal's revision when the boot was about another one and the journal goes. */
function leftOver(event: Boot, subject: string): Task[] {
  const { journal } = event;
  if (journal === undefined || journal.revision === subject || journal.stage === 'updated') return [];
  const stored = storedOf(event, journal.revision);
  if (journal.stage === 'installing')
    return isUnfinishedInstall(event, subject) ? [may(superseded(journal.revision, journal.retries))] : [];
  return isFinal(stored) ? [] : unexpected(journal.revision, stored);
}

const goOn = (event: Boot): Task => act({ do: 'install', attempt: resumedInstall(event) });

function tasksOf(turn: UpdateTurn, event: Boot, { verdict, revision }: Resume): Task[] {
  const { environment, journal } = event;
  const stored = storedOf(event, revision);
  const proceed = act({ do: 'proceed', revision: environment.running, trial: false });
  const ended = journal !== undefined && !isUnfinishedInstall(event, revision);
  const forget: Task[] = ended ? [...leftOver(event, revision), may(journalAtRest(turn.model.base))] : [];
  const clear: Task[] = environment.tried === undefined ? [] : [may({ type: 'boot.clear-try' })];
  switch (verdict) {
    case 'nothing':
    case 'keep-staged':
      return [proceed];
    case 'drop-journal':
      return [...(environment.tried === revision ? clear : []), ...forget, proceed];
    case 'go-on-installing':
      return [proceed, goOn(event)];
    case 'begin-trial':
      return beginTrial(turn, event, stored);
    case 'continue-trial':
      turn.put({ attempt: trialAttempt(event, stored) });
      return [act({ do: 'enter-trial' }), act({ do: 'proceed', revision, trial: true })];
    case 'mark-updated': {
      const attempt = trialAttempt(event, stored);
      return [may({ type: 'journal.write', journal: journalOf(turn, attempt, 'updated') }), proceed];
    }
    case 'finish-commit': {
      const open = stored?.status !== 'DONE' && !isFailed(stored);
      const done = [may(progressStep(revision, doneProgress(revision, stored?.retries ?? 0)))];
      return [...(open ? done : []), may({ type: 'revision.mark-done', revision }), ...clear, ...forget, proceed];
    }
    case 'abort-trial':
      return [...clear, ...forget, restartAfter(revision, 'it is stored as failed')];
    case 'second-boot':
      return [
        ...unexpected(revision, stored),
        ...clear,
        ...forget,
        restartAfter(revision, 'its trial was interrupted'),
      ];
    case 'rolled-back':
      return [...clear, ...forget, proceed];
    case 'unexpected-rollback':
      return [...unexpected(revision, stored), ...clear, ...forget, proceed];
    case 'factory-boot':
      return [
        may(progressStep('0', doneProgress('0', 0))),
        may({ type: 'revision.mark-done', revision: '0' }),
        proceed,
      ];
  }
}

function storedOf({ progress }: Boot, revision: string): Progress | undefined {
  return Object.hasOwn(progress, revision) ? progress[revision] : undefined;
}

function restartAfter(revision: string, why: string): Task {
  const reason: Reason = { code: 'rollback', message: `reboot because ${revision} must not run: ${why}` };
  return act({ do: 'restart', purpose: 'reboot', reason });
}

function unexpected(revision: string, stored: Progress | undefined): Task[] {
  const message = `${revision} was being tried when the device went down without saying why`;
  const progress: Progress = {
    status: 'ERROR',
    message: progressMessage('unexpected-rollback'),
    retries: stored?.retries ?? 0,
  };
  return [may(progressStep(revision, progress, [{ code: 'unexpected-rollback', message }]))];
}

/** A boot without journal is one that the original prepared: its kind follows from the name. */
function kindOf({ journal, environment }: Boot): UpdateKind {
  const { running } = environment;
  if (journal?.revision === running) return journal.kind;
  return running.startsWith('locals/') || running === '0' ? 'local-run' : 'remote';
}

function trialAttempt(event: Boot, stored: Progress | undefined): Attempt {
  const { environment, journal } = event;
  const own = journal?.revision === environment.running ? journal : undefined;
  return createAttempt(environment.running, kindOf(event), {
    phase: 'waiting',
    mode: own?.stage === 'trying' ? (own.mode ?? 'reboot') : 'reboot',
    retries: stored?.retries ?? own?.retries ?? 0,
    source: own?.source,
    switched: true,
    recordable: true,
  });
}

function beginTrial(turn: UpdateTurn, event: Boot, stored: Progress | undefined): Task[] {
  const revision = event.environment.running;
  const attempt: Attempt = { ...trialAttempt(event, stored), mode: 'reboot' };
  turn.put({ attempt });
  const trying: Progress = { status: 'INPROGRESS', message: progressMessage('trying'), retries: attempt.retries };
  return [
    ...leftOver(event, revision),
    must({ type: 'journal.write', journal: journalOf(turn, attempt, 'trying') }),
    // From here on every reboot leads back, whatever the boot loader remembers.
    ...(attempt.kind === 'try-once' ? [must({ type: 'boot.clear-try' })] : []),
    may(progressStep(revision, trying)),
    act({ do: 'enter-trial' }),
    act({ do: 'proceed', revision, trial: true }),
  ];
}

function resumedInstall(event: Boot): Attempt {
  const { journal } = event;
  if (journal === undefined) throw new Error('cannot go on installing without a journal');
  const { revision, kind, source, retries } = journal;
  return createAttempt(revision, kind, { source, recordable: source === undefined, retries: retries + 1 });
}
