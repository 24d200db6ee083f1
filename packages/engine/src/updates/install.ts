/** From a request to the reboot, to the trial in place, or to the wait for somebody's reboot (updates.md §4.2, §4.3). */
import type { Transition } from '@pantavisor/state';
import type { Reason } from '../protocol.ts';
import type { Failure } from './failures.ts';
import { entriesOf, type TransitionMode } from './journal.ts';
import { type Attempt, createAttempt, isStarting, stagedOf, type Task, type UpdateModel } from './model.ts';
import { isFinal, type Progress, progressMessage } from './progress.ts';
import type { PlannedTransition, UpdateEventBody, UpdateKind, UpdateStep } from './protocol.ts';
import { doneProgress, failAttempt } from './trial.ts';
import { act, journalOf, may, must, progressStep, type UpdateTurn } from './turn.ts';

export type UpdateRequest = Extract<UpdateEventBody, { type: 'update.requested' }>;

/** Begins an update, or says why not. Whether a client may ask at all is the matter of the admission table. */
export function beginUpdate(turn: UpdateTurn, request: UpdateRequest): void {
  const { kind, progress } = request;
  const { environment } = turn.model;
  const revision = kind === 'make-factory' ? '0' : request.revision;
  const refusal = refusalOf(turn.model, request, revision);
  if (refusal !== undefined) {
    // Somebody is waiting now: whether the disk takes it is asked at once.
    if (refusal.code === 'end-unstored') turn.arm('store', 0);
    turn.note({ ...refusal, message: `cannot update to ${revision}: ${refusal.message}` });
    return;
  }
  const source = factorySource(kind, request.source ?? environment?.running);
  const rerun = isFinal(progress) && kind !== 'make-factory';
  const attempt = createAttempt(revision, kind, {
    source,
    recordable: source === undefined,
    retries: rerun ? 0 : (progress?.retries ?? 0),
  });
  if (kind === 'remote') resumeInstall(turn, attempt);
  else startInstall(turn, attempt, rerun);
}

function refusalOf(model: UpdateModel, request: UpdateRequest, revision: string): Reason | undefined {
  const { kind, progress, source } = request;
  const { environment, attempt, restart } = model;
  if (environment === undefined || isStarting(model))
    return { code: 'not-started', message: 'the runtime is starting' };
  if (model.unstored.length > 0)
    return { code: 'end-unstored', message: 'the end of an earlier update could not be stored yet' };
  if (attempt !== undefined) return { code: 'update-ongoing', message: `the update to ${attempt.revision} is in hand` };
  if (restart !== undefined) return { code: 'restarting', message: 'the device restarts' };
  if (revision === environment.running && isPointless(kind, environment.committed === revision, source))
    return { code: 'already-running', message: 'it runs already' };
  if (kind === 'remote' && isFinal(progress))
    return { code: 'already-ended', message: `it has ended as ${progress?.status}` };
  return undefined;
}

/** The revision to copy; none when revision 0 is to be run as it is. */
function factorySource(kind: UpdateKind, asked: string | undefined): string | undefined {
  return kind === 'make-factory' && asked !== '0' ? asked : undefined;
}

/** Asking for what runs already changes nothing, unless it is to become the rollback point. */
function isPointless(kind: UpdateKind, isCommitted: boolean, source: string | undefined): boolean {
  if (kind === 'make-factory') return source === undefined || source === '0';
  return isCommitted || kind !== 'local-run-commit';
}

/** What a revision is told that a newer request has pushed aside. */
export function superseded(revision: string, retries: number): UpdateStep {
  const reasons: Reason[] = [
    { code: 'superseded', message: `${revision} was not run: another revision took its place` },
  ];
  return progressStep(revision, { status: 'WONTGO', message: progressMessage('aborted'), retries }, reasons);
}

/** Queues the preparation; used for a fresh request and for one that a restart of the runtime interrupted. */
export function startInstall(turn: UpdateTurn, attempt: Attempt, rerun = false): void {
  const { environment, base: before } = turn.model;
  const base = before?.stage === 'staged' && before.revision === attempt.revision ? before.base : before;
  // Set for this revision earlier, or left of one that was pushed aside: if this attempt fails, the mark has to go.
  const tried = environment?.tried;
  const kept = tried !== attempt.revision && entriesOf(base).some((entry) => entry.revision === tried);
  const bootTouched = tried !== undefined && !kept;
  turn.put({ attempt: { ...attempt, bootTouched }, base, lastFailure: undefined });
  const { revision, retries, source, kind } = attempt;
  const ready: Progress = { status: 'NEW', message: progressMessage('ready'), retries };
  turn.append([
    // Before the journal: a failure that is stored beside a journal is then this attempt's own, and ends it at the next start.
    ...(rerun ? [must(progressStep(revision, ready))] : []),
    must({ type: 'journal.write', journal: journalOf(turn, attempt, 'installing') }),
    ...(source === undefined ? [] : [...secured(turn, source), must({ type: 'factory.write', source })]),
    ...(kind === 'remote' ? [must(progressStep(revision, queued(retries, turn.model.settings.retries)))] : []),
    must({ type: 'revision.verify', revision }),
    // What is begun again counts as a retry, also when the power goes in the middle of it.
    ...(kind === 'remote' ? [must({ type: 'revision.download', revision, retries: retries + 1 })] : []),
    must({ type: 'revision.expand', revision }),
    must({ type: 'transition.plan', revision }),
  ]);
}

/**
 * While revision 0 is replaced there is a moment without one. When it is the rollback point, a boot loader would find nothing to boot then:
 * its source, which has proven itself (`isUntestedFactory`), takes that part before.
 */
function secured({ model }: UpdateTurn, source: string): Task[] {
  if (model.environment?.committed !== '0') return [];
  return [
    must({ type: 'boot.install', revision: source }),
    must({ type: 'boot.commit', revision: source }),
    may(progressStep(source, doneProgress(source, 0))),
    may({ type: 'revision.mark-done', revision: source }),
  ];
}

function queued(retries: number, limit: number): Progress {
  return { status: 'QUEUED', message: progressMessage('retried', retries, limit), retries };
}

/** How the kinds of update choose between reboot and in place. */
const modeOf: { readonly [K in UpdateKind]: (needsReboot: boolean) => TransitionMode | 'staged' } = {
  'local-run': (needsReboot) => (needsReboot ? 'reboot' : 'in-place'),
  'local-run-commit': () => 'reboot',
  'try-once': (needsReboot) => (needsReboot ? 'reboot' : 'in-place'),
  'local-apply': (needsReboot) => (needsReboot ? 'staged' : 'in-place'),
  'make-factory': () => 'reboot',
  remote: (needsReboot) => (needsReboot ? 'reboot' : 'in-place'),
};

/** The comparison is there: queues the rest of the plan. */
export function planned(turn: UpdateTurn, result: PlannedTransition | undefined): void {
  const { attempt } = turn;
  if (attempt === undefined) return;
  if (result === undefined) {
    const message = `cannot compare ${attempt.revision} with the running revision: no answer`;
    failAttempt(turn, { code: 'install-failed', reasons: [{ code: 'no-plan', message }] });
    return;
  }
  const chosen = modeOf[attempt.kind](result.transition.kind === 'reboot');
  const mode: TransitionMode = chosen === 'in-place' ? 'in-place' : 'reboot';
  const reasons = reasonsOf(result.transition, attempt.kind);
  for (const reason of reasons) turn.note(reason);
  turn.putAttempt({ planned: result, mode, reasons });
  const next = { ...attempt, mode, reasons };
  if (chosen === 'in-place') turn.append(inPlace(turn, next));
  else turn.append(chosen === 'staged' ? staged(turn, next) : byReboot(turn, next));
}

function reasonsOf(transition: Transition, kind: UpdateKind): Reason[] {
  const forced = modeOf[kind](false) === 'reboot';
  return [
    ...(forced ? [{ code: 'reboot-asked', message: 'reboot because the command asks for it' }] : []),
    ...transition.reasons.map(({ rule, message, path, owner }) => ({
      code: rule,
      message,
      file: path,
      ...(owner === undefined ? {} : { container: owner }),
    })),
  ];
}

function inProgress(attempt: Attempt, message: 'rebooting' | 'applied' | 'transitioning' | 'trying'): UpdateStep {
  const { revision, retries, reasons } = attempt;
  return progressStep(revision, { status: 'INPROGRESS', message: progressMessage(message), retries }, reasons);
}

/**
 * Boot artefacts of an older try mark may be overwritten, so the mark goes first: it must never lead to a mixture. A failure that was stored
 * earlier must be gone before the new mark is set: a tried revision that is stored as failed is not run.
 */
function arm(turn: UpdateTurn, attempt: Attempt, message: 'rebooting' | 'applied' | 'transitioning'): Task[] {
  const { revision } = attempt;
  const tried = turn.model.environment?.tried;
  const setAside = pushAside(turn, revision);
  const older = setAside.length === 0 && tried !== undefined && tried !== revision;
  return [
    ...setAside,
    ...(older ? [must({ type: 'boot.clear-try' })] : []),
    must({ type: 'boot.install', revision }),
    must(inProgress(attempt, message)),
    must({ type: 'boot.set-try', revision }),
  ];
}

/** A staged revision gives way to one that runs or is staged in its stead, and is told so. */
function pushAside(turn: UpdateTurn, revision: string): Task[] {
  const staged = stagedOf(turn.model);
  if (staged === undefined || staged.revision === revision) return [];
  return [must(superseded(staged.revision, staged.retries)), must({ type: 'boot.clear-try' })];
}

function byReboot(turn: UpdateTurn, attempt: Attempt): Task[] {
  const message = `reboot into ${attempt.revision}`;
  return [
    ...arm(turn, attempt, 'rebooting'),
    act({ do: 'restart', purpose: 'reboot', reason: { code: 'update', message } }),
  ];
}

function staged(turn: UpdateTurn, attempt: Attempt): Task[] {
  return [
    ...arm(turn, attempt, 'applied'),
    may({ type: 'journal.write', journal: journalOf(turn, attempt, 'staged') }),
    act({ do: 'stage' }),
  ];
}

/** Checked completely before anything stops. A later reboot would try it again and make it the rollback point, except for try-once. */
function inPlace(turn: UpdateTurn, attempt: Attempt): Task[] {
  const { revision, kind } = attempt;
  const once = kind === 'try-once';
  return [
    must({ type: 'revision.validate', revision }),
    ...(once
      ? [...pushAside(turn, revision), must(inProgress(attempt, 'transitioning'))]
      : arm(turn, attempt, 'transitioning')),
    must({ type: 'journal.write', journal: journalOf(turn, attempt, 'trying') }),
    must({ type: 'revision.switch', revision }),
    may(inProgress(attempt, 'trying')),
    act({ do: 'enter-trial' }),
    act({ do: 'switch-containers' }),
  ];
}

/** Goes on with an installation that was begun before, here or by the Hub's account, as long as its retries last. */
export function resumeInstall(turn: UpdateTurn, attempt: Attempt): void {
  const { settings } = turn.model;
  if (attempt.retries >= settings.retries) {
    turn.put({ attempt });
    const message = `${attempt.revision} was begun ${attempt.retries} times and interrupted each time`;
    const failure: Failure = { code: 'processing-retries', reasons: [{ code: 'processing-retries', message }] };
    failAttempt(turn, failure);
    return;
  }
  startInstall(turn, attempt);
}
