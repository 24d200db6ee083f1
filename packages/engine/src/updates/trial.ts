/** A revision under test: goals, commit delay, stability, and how it ends (updates.md §5.2 to §5.4). */
import type { GoalState } from '../goals.ts';
import type { Reason } from '../protocol.ts';
import { type Failure, failedProgress } from './failures.ts';
import { type Attempt, isTrial, type Task, type UpdateModel } from './model.ts';
import { isFailed, type Progress, type ProgressMessage, progressMessage } from './progress.ts';
import type { HubMode } from './protocol.ts';
import { requestRestart } from './restart.ts';
import { act, journalAtRest, journalOf, may, must, progressStep, type UpdateTurn } from './turn.ts';

/** How the containers of the revision under test stand. */
export interface TrialState {
  goal: GoalState;
  /** Containers that have not reached their goal in time. */
  late: string[];
  /** Containers whose stability is not proven yet. */
  unstable: string[];
  /** Longest that a container may take to its goal and to stability, milliseconds. */
  longestMs: number;
}

/** Moves the attempt into its trial: the clocks start. The containers learn that retries no longer save them. */
export function enterTrial(turn: UpdateTurn): void {
  turn.putAttempt({ phase: 'waiting' });
  turn.directives.push({ type: 'revision.trial', active: true });
  turn.arm('limit', turn.model.settings.trialLimitMs);
}

/** Only a revision of the Hub, on a device that belongs to somebody and is online by its settings, depends on the Hub. */
export function dependsOnHub({ hub, attempt }: Pick<UpdateModel, 'hub' | 'attempt'>): boolean {
  if (hub === 'off' || hub === 'unclaimed' || attempt === undefined) return false;
  return !attempt.revision.startsWith('locals/') && attempt.revision !== '0';
}

/** Looks at the trial after everything that can have changed it. `state` is undefined before the revision runs. */
export function evaluateTrial(turn: UpdateTurn, state: TrialState | undefined): void {
  const { attempt, model } = turn;
  if (attempt === undefined || !isTrial(attempt) || state === undefined) return;
  if (state.longestMs > attempt.longestMs) {
    turn.putAttempt({ longestMs: state.longestMs });
    turn.arm('limit', model.settings.trialLimitMs + state.longestMs);
  }
  const isHubAway = dependsOnHub(model) && model.hub === 'offline';
  watchHub(turn, attempt, isHubAway);
  if (attempt.phase === 'waiting' && isHubAway) return;
  if (state.goal === 'TIMEDOUT') {
    failAttempt(turn, { code: 'goal-not-reached', reasons: lateReasons(state.late) });
  } else if (attempt.phase === 'waiting') {
    if (state.goal === 'UNACHIEVED') return;
    turn.putAttempt({ phase: 'testing' });
    turn.arm('commit', model.settings.commitDelayMs);
    store(turn, 'TESTING', becomesRollbackPoint(attempt) ? 'awaiting-commit' : 'awaiting-stable');
  } else if (!turn.isArmed('commit') && !isHubAway) {
    if (state.unstable.length > 0 || state.goal === 'UNACHIEVED') store(turn, 'TESTING', 'awaiting-containers');
    else succeed(turn);
  }
}

/** A revision may do without its Hub for a while, but it neither begins its test nor passes it meanwhile. */
function watchHub(turn: UpdateTurn, { revision, phase }: Attempt, isAway: boolean): void {
  if (!isAway) turn.cancel('hub');
  else if (!turn.isArmed('hub')) {
    turn.arm('hub', turn.model.settings.hubTimeoutMs);
    if (phase === 'testing')
      turn.note({ code: 'trial-without-hub', message: `${revision} has to reach the Hub again to pass its trial` });
  }
}

const lateReasons = (names: string[]): Reason[] =>
  names.map((name) => ({ code: 'goal-timed-out', message: `${name} did not reach its goal in time`, container: name }));

function becomesRollbackPoint({ mode, kind }: Attempt): boolean {
  return mode === 'reboot' && kind !== 'try-once';
}

/** Stores a progress of the present attempt, once. */
function store(turn: UpdateTurn, status: Progress['status'], message: ProgressMessage): void {
  const { attempt } = turn;
  if (attempt === undefined) return;
  const text = progressMessage(message);
  const queued = turn.model.queue.some(
    (task) => 'step' in task && task.step.type === 'progress.write' && task.step.progress.message === text,
  );
  if (attempt.progress?.message === text || queued) return;
  turn.append([may(progressStep(attempt.revision, { status, message: text, retries: attempt.retries }))]);
}

/** The message of a revision that is, or becomes, the rollback point. */
export function doneProgress(revision: string, retries: number): Progress {
  return { status: 'DONE', message: progressMessage(revision === '0' ? 'factory' : 'done'), retries };
}

/**
 * The trial is passed. The boot environment says which revision is the rollback point, so it is written first; DONE follows from it, and a
 * start that finds only the first of the two writes the second.
 */
function succeed(turn: UpdateTurn): void {
  const { attempt } = turn;
  if (attempt === undefined) return;
  const { revision, retries } = attempt;
  leaveTrial(turn);
  turn.putAttempt({ phase: 'ending' });
  const updated: Progress = { status: 'UPDATED', message: progressMessage('updated'), retries };
  const tasks: Task[] = becomesRollbackPoint(attempt)
    ? [
        must({ type: 'boot.commit', revision }),
        may(progressStep(revision, doneProgress(revision, retries))),
        may({ type: 'revision.mark-done', revision }),
        may({ type: 'journal.remove' }),
      ]
    : [
        may(progressStep(revision, updated)),
        may({ type: 'journal.write', journal: journalOf(turn, attempt, 'updated') }),
      ];
  turn.append([...tasks, act({ do: 'end' })]);
}

function leaveTrial(turn: UpdateTurn): void {
  for (const purpose of ['limit', 'hub', 'commit']) turn.cancel(purpose);
}

/**
 * Ends the attempt as failed and undoes it. Before anything of the running system has changed, that is quiet; afterwards it takes a reboot into the
 * rollback point. A try mark stays through the reboot that ends a booted revision, so that the next boot knows what happened; the mark of a revision that
 * was never booted is taken away.
 */
export function failAttempt(turn: UpdateTurn, failure: Failure): void {
  const { attempt } = turn;
  for (const reason of failure.reasons) turn.note(reason);
  if (attempt === undefined || attempt.phase === 'failing' || attempt.phase === 'restarting') return;
  leaveTrial(turn);
  const running = attempt.phase !== 'installing' || attempt.switched;
  const progress = failedProgress(failure, running ? 'trying' : 'installing', attempt.retries);
  const reasons = [...failure.reasons];
  turn.put({ lastFailure: failure });
  turn.putAttempt({ phase: 'failing', reasons });
  const stored =
    attempt.recordable && !isFailed(attempt.progress) ? [may(progressStep(attempt.revision, progress, reasons))] : [];
  turn.replace([...stored, ...(running ? rollBack(turn, attempt, progress) : undo(turn, attempt))]);
}

/** What an older try mark points at may have been overwritten by the new boot artefacts, so then the mark goes as well. */
function undo(turn: UpdateTurn, { bootTouched }: Attempt): Task[] {
  return [
    ...(bootTouched ? [may({ type: 'boot.clear-try' })] : []),
    may(journalAtRest(turn.model.base)),
    act({ do: 'end' }),
  ];
}

function rollBack(turn: UpdateTurn, { revision, mode }: Attempt, { message }: Progress): Task[] {
  const reason: Reason = { code: 'rollback', message: `reboot because ${revision} failed: ${message}` };
  const neverBooted = mode === 'in-place';
  const marked = turn.model.environment?.tried === revision;
  return [
    ...(neverBooted && marked ? [may({ type: 'boot.clear-try' })] : []),
    ...(neverBooted ? [may({ type: 'journal.remove' })] : []),
    act({ do: 'restart', purpose: 'reboot', reason }),
  ];
}

/** A container failed the revision: rollback in a trial, reboot otherwise (containers.md §4). */
export function containersFailed(turn: UpdateTurn, reason: Reason): void {
  const { attempt } = turn;
  if (isTrial(attempt)) {
    failAttempt(turn, { code: 'container-failed', reasons: [reason] });
    return;
  }
  const restart: Reason = { ...reason, message: `reboot because ${reason.message}` };
  const queued = turn.model.queue.some((task) => 'act' in task && task.act.do === 'restart');
  if (attempt?.phase !== 'ending' && attempt?.phase !== 'failing') requestRestart(turn, 'reboot', restart);
  // What is being stored comes first: it decides which revision the reboot leads to.
  else if (!queued) turn.append([act({ do: 'restart', purpose: 'reboot', reason: restart })]);
}

/** A timer of the trial fired. */
export function trialTimer(turn: UpdateTurn, purpose: string): void {
  const { attempt } = turn;
  if (attempt === undefined || !isTrial(attempt)) return;
  if (purpose === 'hub' && turn.model.hub === 'offline') {
    const code = attempt.phase === 'testing' ? 'hub-unstable' : 'hub-unreachable';
    const message = `the Hub could not be reached for ${turn.model.settings.hubTimeoutMs / 1000} s`;
    failAttempt(turn, { code, reasons: [{ code, message }] });
  }
  if (purpose === 'limit') {
    const message = `${attempt.revision} did not come to rest in the time that a trial may take`;
    const code = attempt.phase === 'testing' ? 'never-stable' : 'goal-not-reached';
    failAttempt(turn, { code, reasons: [{ code: 'trial-too-long', message }] });
  }
}

/** What a lost Hub means for a revision of the Hub is decided when the trial is looked at; that it means nothing for a local one is said. */
export function hubChanged(turn: UpdateTurn, hub: HubMode): void {
  const { attempt, model } = turn;
  const isLost = hub === 'offline' && model.hub === 'online';
  turn.put({ hub });
  if (isLost && attempt !== undefined && isTrial(attempt) && !dependsOnHub(turn.model))
    turn.note({
      code: 'hub-not-needed',
      message: `${attempt.revision} is tested without the Hub, which is out of reach`,
    });
}
