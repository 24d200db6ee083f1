/** The reducer of updates: a plan of steps that is carried out one at a time, and survives the loss of power between any two. */
import type { Reason } from '../protocol.ts';
import { boot } from './boot.ts';
import { admitCommand, type CommandOp, parseSeconds } from './commands.ts';
import type { Failure } from './failures.ts';
import { beginUpdate, planned, resumeInstall } from './install.ts';
import { type Act, isTrial, type RestartPurpose, type Task, type UpdateModel } from './model.ts';
import { isFinal, type Progress } from './progress.ts';
import type { PlannedTransition, UpdateEventBody, UpdateKind } from './protocol.ts';
import { blockRestart, requestRestart, unblockRestart } from './restart.ts';
import {
  containersFailed,
  enterTrial,
  evaluateTrial,
  failAttempt,
  hubChanged,
  type TrialState,
  trialTimer,
} from './trial.ts';
import { journalAtRest, journalOf, may, UpdateTurn } from './turn.ts';

/** What the update machine takes: events of the device, and what the machine of containers came to. */
export type UpdateInput =
  | UpdateEventBody
  | { type: 'timer.fired'; timer: string }
  /** Somebody else has begun to stop the device. */
  | { type: 'device.stop'; purpose: RestartPurpose }
  | { type: 'containers.failed'; reason: Reason }
  /** The running revision is loaded. */
  | { type: 'containers.loaded' }
  | { type: 'trial.state'; state: TrialState | undefined };

/** One step; the turn holds the new model, effects, reasons and what containers are told. */
export function updateStep(model: UpdateModel, at: number, input: UpdateInput): UpdateTurn {
  const turn = new UpdateTurn(model, at, perform);
  dispatch(turn, input);
  turn.pump();
  return turn;
}

function dispatch(turn: UpdateTurn, input: UpdateInput): void {
  switch (input.type) {
    case 'update.boot':
      if (turn.model.environment === undefined) boot(turn, input);
      else turn.note({ code: 'already-started', message: 'ignored a second update.boot' });
      break;
    case 'update.settings':
      turn.put({ settings: input.settings });
      break;
    case 'update.requested':
      beginUpdate(turn, input);
      break;
    case 'update.done':
      done(turn, input.step, input.planned);
      break;
    case 'update.failed':
      failed(turn, input.step, input.failure);
      break;
    case 'update.downloading':
      downloading(turn, input.step, input.progress);
      break;
    case 'update.run-failed':
      runFailed(turn, input.failure);
      break;
    case 'hub.state':
      hubChanged(turn, input.mode);
      break;
    case 'restart.block':
      blockRestart(turn, input.by, input.ms);
      break;
    case 'restart.unblock':
      unblockRestart(turn, input.by);
      break;
    case 'command.requested':
      command(turn, input);
      break;
    case 'command.finished':
      if (turn.model.command === input.id) turn.put({ command: undefined });
      break;
    case 'timer.fired':
      timer(turn, input.timer);
      break;
    case 'device.stop':
      turn.put({
        restart: { purpose: input.purpose, reason: { code: 'asked', message: 'asked to stop' }, begun: true },
      });
      break;
    case 'containers.loaded':
      turn.put({ comparable: true });
      break;
    case 'containers.failed':
      containersFailed(turn, input.reason);
      break;
    case 'trial.state':
      evaluateTrial(turn, input.state);
  }
}

/** The step in hand, if the answer is for it; an answer to anything else is late. */
function takeStep(turn: UpdateTurn, number: number): Extract<Task, { step: unknown }> | undefined {
  const { inFlight, queue } = turn.model;
  const [task, ...rest] = queue;
  if (inFlight !== number || task === undefined || !('step' in task)) {
    turn.note({ code: 'answer-ignored', message: `ignored the answer to step ${number}, which is not in hand` });
    return undefined;
  }
  turn.put({ inFlight: undefined, queue: rest });
  return task;
}

function done(turn: UpdateTurn, number: number, result: PlannedTransition | undefined): void {
  const step = takeStep(turn, number)?.step;
  const { environment } = turn.model;
  if (step === undefined || environment === undefined) return;
  const { tried: _tried, ...unmarked } = environment;
  switch (step.type) {
    case 'boot.set-try':
      turn.put({ environment: { ...environment, tried: step.revision } });
      break;
    case 'boot.clear-try':
      turn.put({ environment: unmarked });
      break;
    case 'boot.commit':
      turn.put({ environment: { ...unmarked, committed: step.revision } });
      break;
    case 'revision.switch':
      turn.put({ environment: { ...environment, running: step.revision } });
      break;
    case 'progress.write':
      turn.put({ storeTries: 0 });
      break;
    case 'factory.write':
      turn.putAttempt({ recordable: true });
      break;
    case 'transition.plan':
      if (turn.attempt?.phase === 'installing') planned(turn, result);
      break;
    default:
      break;
  }
}

function downloading(turn: UpdateTurn, number: number, progress: Progress): void {
  if (turn.model.inFlight === number) turn.putAttempt({ progress, retries: progress.retries });
}

function failed(turn: UpdateTurn, number: number, failure: Failure): void {
  const task = takeStep(turn, number);
  if (task === undefined) return;
  if (task.onFailure === 'fail') {
    failAttempt(turn, failure);
    return;
  }
  for (const reason of failure.reasons) turn.note({ ...reason, detail: reason.detail ?? `in ${task.step.type}` });
  if (task.step.type === 'progress.write' && isFinal(task.step.progress)) {
    if (turn.attempt === undefined || turn.attempt.revision === task.step.revision) keepJournal(turn);
    turn.put({ unstored: [...turn.model.unstored, task.step], storeTries: turn.model.storeTries + 1 });
    armStore(turn);
  }
}

/** Time until an end that could not be stored is tried again: doubled with each failure. */
export const storeTimes = { firstMs: 30_000, longestMs: 600_000 } as const;

function armStore(turn: UpdateTurn): void {
  const { storeTries } = turn.model;
  turn.arm('store', Math.min(storeTimes.firstMs * 2 ** (storeTries - 1), storeTimes.longestMs));
}

function storeAgain(turn: UpdateTurn): void {
  const { attempt, queue, unstored, base } = turn.model;
  if (unstored.length === 0) return;
  if (attempt !== undefined || queue.length > 0) {
    armStore(turn);
    return;
  }
  turn.put({ unstored: [] });
  turn.append([...unstored.map(may), may(journalAtRest(base))]);
}

/** The end could not be stored, so the journal stays as it is: should the runtime start anew, it stores the end then. */
function keepJournal(turn: UpdateTurn): void {
  const isJournal = (task: Task) => 'step' in task && task.step.type.startsWith('journal.');
  turn.put({ queue: turn.model.queue.filter((task) => !isJournal(task)) });
}

function runFailed(turn: UpdateTurn, failure: Failure): void {
  turn.put({ comparable: true });
  if (isTrial(turn.attempt)) failAttempt(turn, failure);
  else turn.emit({ type: 'device.failed', failure });
}

function timer(turn: UpdateTurn, name: string): void {
  const purpose = Object.entries(turn.model.timers).find(([, armed]) => armed === name)?.[0];
  if (purpose === undefined) {
    turn.note({ code: 'answer-ignored', message: `ignored timer ${name}, which is not armed` });
    return;
  }
  turn.forget(purpose);
  if (purpose === 'block-debug-shell') unblockRestart(turn, 'debug-shell');
  else if (purpose === 'block-progress-report') unblockRestart(turn, 'progress-report');
  else if (purpose === 'store') storeAgain(turn);
  else trialTimer(turn, purpose);
}

const updateOps: { readonly [Op in CommandOp]?: UpdateKind } = {
  LOCAL_RUN: 'local-run',
  LOCAL_RUN_COMMIT: 'local-run-commit',
  TRY_ONCE: 'try-once',
  LOCAL_APPLY: 'local-apply',
  MAKE_FACTORY: 'make-factory',
};

function command(turn: UpdateTurn, input: Extract<UpdateEventBody, { type: 'command.requested' }>): void {
  const { id, op, payload, context, progress } = input;
  const verdict = admitCommand({ op, payload, model: turn.model, context, progress });
  turn.emit({ type: 'command.answer', id, verdict });
  if (!verdict.ok) {
    // Somebody is waiting now: whether the disk takes what could not be stored is asked at once.
    if (turn.model.unstored.length > 0) turn.arm('store', 0);
    turn.note({ code: 'command-refused', message: `refused ${op}: ${verdict.text}`, detail: verdict.code });
    return;
  }
  const kind = updateOps[op];
  const asked: Reason = { code: 'command', message: `${op} by command`, detail: payload };
  if (kind === 'make-factory')
    beginUpdate(turn, {
      type: 'update.requested',
      kind,
      revision: '0',
      ...(payload === '' ? {} : { source: payload }),
    });
  else if (kind !== undefined)
    beginUpdate(turn, {
      type: 'update.requested',
      kind,
      revision: payload,
      ...(progress === undefined ? {} : { progress }),
    });
  else if (op === 'REBOOT_DEVICE') requestRestart(turn, 'reboot', asked);
  else if (op === 'POWEROFF_DEVICE') requestRestart(turn, 'poweroff', asked);
  else if (op === 'DEFER_REBOOT') blockRestart(turn, 'debug-shell', (parseSeconds(payload) ?? 0) * 1000);
  else {
    turn.put({ command: id });
    turn.emit({ type: 'command.run', id, op, payload });
  }
}

function perform(turn: UpdateTurn, act: Act): void {
  switch (act.do) {
    case 'proceed':
      turn.emit({ type: 'boot.proceed', revision: act.revision, trial: act.trial });
      break;
    case 'enter-trial':
      enterTrial(turn);
      break;
    case 'switch-containers':
      switchContainers(turn);
      break;
    case 'install':
      resumeInstall(turn, act.attempt);
      break;
    case 'stage':
      stage(turn);
      break;
    case 'restart':
      restart(turn, act);
      break;
    case 'end':
      end(turn);
  }
}

/** The reboot forgets what memory holds, so what is not stored yet gets a last chance. */
function restart(turn: UpdateTurn, order: Extract<Act, { do: 'restart' }>): void {
  const { unstored } = turn.model;
  if (unstored.length > 0 && order.settled !== true) {
    turn.put({ unstored: [] });
    turn.append([...unstored.map(may), { act: { ...order, settled: true } }]);
    return;
  }
  turn.putAttempt({ phase: 'restarting' });
  requestRestart(turn, order.purpose, order.reason);
}

function switchContainers(turn: UpdateTurn): void {
  const planned = turn.attempt?.planned;
  if (planned === undefined) return;
  const { restart, remove, start } = planned.transition;
  turn.directives.push({ type: 'revision.transition', plan: planned.plan, restart, remove, start });
}

function stage(turn: UpdateTurn): void {
  const { attempt } = turn;
  if (attempt === undefined) return;
  turn.put({ base: journalOf(turn, attempt, 'staged') });
  end(turn);
}

function end(turn: UpdateTurn): void {
  const { attempt } = turn;
  if (attempt === undefined) return;
  if (attempt.progress?.status === 'UPDATED') turn.put({ base: journalOf(turn, attempt, 'updated') });
  turn.put({ attempt: undefined });
  turn.directives.push({ type: 'revision.trial', active: false });
  if (attempt.progress !== undefined)
    turn.emit({
      type: 'update.ended',
      revision: attempt.revision,
      progress: attempt.progress,
      reasons: [...attempt.reasons],
    });
}
