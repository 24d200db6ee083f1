/** What happens to a container by itself: mounted, started, ready, ended, released. Answers of older runs are ignored. */
import { effectiveRecovery } from './goals.ts';
import { applyIntent, beginHalt, release, removeIfGone } from './halting.ts';
import { createRun, type Run, type RunPhase } from './model.ts';
import type { ContainerEvent, Reason } from './protocol.ts';
import { decideRecovery, describeExit, type Outcome } from './recovery.ts';
import { parseTimer, type Turn } from './turn.ts';

type Numbered = Extract<ContainerEvent, { run: number }>;

/** In which phase a run expects which answer. */
const expectedIn: { readonly [T in Numbered['type']]: readonly RunPhase[] } = {
  'container.mounted': ['mounting'],
  'container.mount-failed': ['mounting'],
  'container.started': ['launching'],
  'container.start-failed': ['launching'],
  'container.exited': ['launching', 'running'],
  'container.released': ['releasing'],
};

/** Takes an answer of the machine, or the ready signal. */
export function containerEvent(turn: Turn, event: ContainerEvent): void {
  const record = turn.model.containers.get(event.name);
  if (record === undefined) {
    ignore(turn, event.name, `${event.type} of a container that is not in the revision`);
    return;
  }
  if (event.type === 'container.ready') {
    becomeReady(turn, event.name);
    return;
  }
  const run = [record.run, record.staged].find((candidate) => candidate?.number === event.run);
  if (run === undefined || !expectedIn[event.type].includes(run.phase))
    ignore(turn, event.name, `${event.type} of run ${event.run}, which does not wait for it`);
  else if (run === record.staged) stagedEvent(turn, event, run);
  else runEvent(turn, event, run);
}

function ignore(turn: Turn, container: string, what: string): void {
  turn.note({ code: 'answer-ignored', message: `ignored ${what}`, container });
}

function runEvent(turn: Turn, event: Numbered, run: Run): void {
  const { name } = event;
  const stopping = turn.record(name).status === 'STOPPING';
  switch (event.type) {
    case 'container.mounted':
      turn.putRun(name, { phase: 'mounted' });
      if (stopping) ended(turn, name);
      return;
    case 'container.mount-failed':
    case 'container.start-failed':
      if (stopping) ended(turn, name, event.reason);
      else endedUnasked(turn, name, { kind: 'not-started' }, event.reason);
      return;
    case 'container.started':
      turn.putRun(name, { phase: 'running', pid: event.pid, startedAt: turn.at });
      if (stopping) {
        turn.emit({ type: run.killed ? 'container.kill' : 'container.halt', name, run: run.number });
        return;
      }
      turn.move(name, 'started');
      if (turn.record(name).plan.statusGoal === 'STARTED') goalReached(turn, name);
      else if (run.readyEarly) becomeReady(turn, name);
      return;
    case 'container.exited': {
      turn.put(name, { lastExit: event.exit, exitedAt: turn.at });
      if (stopping) {
        ended(turn, name);
        return;
      }
      const outcome: Outcome = { kind: 'exit', exit: event.exit, goalReached: run.goalReached };
      const message = `${name} ended by itself: ${describeExit(event.exit)}`;
      endedUnasked(turn, name, outcome, { code: 'container-exited', message, container: name });
      return;
    }
    case 'container.released':
      turn.put(name, { run: undefined });
      takeStaged(turn, name);
      removeIfGone(turn, name);
  }
}

/** The run is over as it was asked to be. */
function ended(turn: Turn, name: string, reason?: Reason): void {
  release(turn, name);
  turn.move(name, 'gone', reason);
  applyIntent(turn, name);
}

/** The run is over and nobody asked for it: what recovers the container, or does the revision fail? */
function endedUnasked(turn: Turn, name: string, outcome: Outcome, cause: Reason): void {
  const { run, replacement, retries } = turn.record(name);
  release(turn, name);
  turn.move(name, 'gone', cause);
  if (replacement !== undefined) {
    // The update was about to stop it anyway.
    turn.put(name, { intent: 'replace' });
    applyIntent(turn, name);
    return;
  }
  const verdict = decideRecovery({
    rule: effectiveRecovery(turn.model, turn.record(name)),
    outcome,
    retries,
    launchedAt: run?.launchedAt,
    at: turn.at,
    trial: turn.model.trial,
  });
  switch (verdict.kind) {
    case 'completed':
      turn.put(name, { completed: true });
      turn.note({ code: 'container-completed', message: `${name} has done its work`, container: name });
      return;
    case 'give-up': {
      const reason = {
        ...cause,
        code: verdict.code,
        message: `${name} ${verdict.why}: ${cause.message}`,
        container: name,
      };
      turn.put(name, { recoveryFailed: true, lastReason: reason });
      turn.note(reason);
      return;
    }
    case 'fail':
      turn.fail({ ...cause, code: verdict.code, message: `${name} ${verdict.why}: ${cause.message}`, container: name });
      return;
    case 'retry':
      turn.put(name, { retries: verdict.retries });
      if (verdict.delayMs === 0) {
        turn.move(name, 'install');
        return;
      }
      turn.move(name, 'retry', { ...cause, detail: `tried again in ${verdict.delayMs / 1000} s` });
      turn.arm(name, 'retry', turn.record(name).lastRun, verdict.delayMs);
  }
}

function becomeReady(turn: Turn, name: string): void {
  const { status, plan } = turn.record(name);
  if (plan.statusGoal !== 'READY') {
    ignore(turn, name, 'ready of a container whose goal is not READY');
    return;
  }
  if (status === 'STARTING') turn.putRun(name, { readyEarly: true });
  if (status !== 'STARTED') return;
  turn.move(name, 'ready');
  goalReached(turn, name);
}

/** The status goal is reached in this run: its timer ends, the time of stability begins (containers.md §4.2). */
export function goalReached(turn: Turn, name: string): void {
  const record = turn.record(name);
  if (record.run === undefined || record.run.goalReached) return;
  turn.cancel(name, 'goal');
  turn.putRun(name, { goalReached: true });
  const { stableTimeout } = effectiveRecovery(turn.model, record);
  if (stableTimeout > 0) turn.arm(name, 'stable', record.run.number, stableTimeout * 1000);
}

function stagedEvent(turn: Turn, event: Numbered, staged: Run): void {
  const { name } = event;
  switch (event.type) {
    case 'container.mounted':
      if (staged.unwanted) break;
      turn.put(name, { staged: { ...staged, phase: 'mounted' } });
      if (turn.record(name).replacement !== undefined) beginHalt(turn, name, 'replace');
      return;
    case 'container.mount-failed':
      if (!staged.unwanted) turn.fail(event.reason);
      break;
    default:
      turn.put(name, { staged: undefined });
      removeIfGone(turn, name);
      return;
  }
  turn.put(name, { staged: { ...staged, phase: 'releasing' } });
  turn.emit({ type: 'container.release', name, run: staged.number });
}

/** The place is free: the run that was mounted aside becomes the present one. */
function takeStaged(turn: Turn, name: string): void {
  const { staged } = turn.record(name);
  if (staged === undefined || staged.unwanted || staged.phase === 'releasing') return;
  turn.put(name, { run: staged, staged: undefined });
}

/** Begins a new run of a container whose turn has come, or goes on with one that was mounted aside. */
export function startRun(turn: Turn, name: string): void {
  const { run, staged, lastRun, plan } = turn.record(name);
  if (run === undefined) {
    if (staged !== undefined) return;
    turn.put(name, { run: createRun(lastRun + 1, 'mounting'), lastRun: lastRun + 1 });
    turn.emit({ type: 'container.mount', name, run: lastRun + 1 });
    return;
  }
  if (run.phase !== 'mounted') return;
  turn.move(name, 'mounted');
  if (plan.statusGoal === 'MOUNTED') {
    goalReached(turn, name);
    return;
  }
  turn.putRun(name, { phase: 'launching', launchedAt: turn.at });
  turn.put(name, { stable: false, goalTimedOut: false, userStopped: false, recoveryFailed: false, completed: false });
  turn.emit({ type: 'container.start', name, run: run.number });
  turn.move(name, 'launch');
  armGoal(turn, name);
}

/** Starts the group's time-out for the present run. */
export function armGoal(turn: Turn, name: string): void {
  const { run, plan } = turn.record(name);
  const group = turn.model.groups.find(({ name: candidate }) => candidate === plan.group);
  if (run !== undefined && group !== undefined) turn.arm(name, 'goal', run.number, group.timeout * 1000);
}

/** The stop timer is the matter of halting; the others are taken here. False when the timer is none of these. */
export function timerFired(turn: Turn, timer: string, onStop: (turn: Turn, name: string) => void): boolean {
  const parsed = parseTimer(timer);
  if (parsed === undefined) return false;
  const { kind, container: name, run } = parsed;
  const record = turn.model.containers.get(name);
  if (record === undefined || record.timers[kind] !== run) {
    ignore(turn, name, `timer ${timer}, which is not armed`);
    return true;
  }
  turn.forget(name, kind);
  switch (kind) {
    case 'goal': {
      turn.put(name, { goalTimedOut: true });
      const message = `${name} did not reach its goal ${record.plan.statusGoal} in the time of group ${record.plan.group}`;
      turn.note({ code: 'goal-timed-out', message, container: name });
      break;
    }
    case 'stable':
      turn.put(name, { stable: true });
      break;
    case 'retry':
      turn.move(name, 'install');
      break;
    case 'stop':
      onStop(turn, name);
  }
  return true;
}
