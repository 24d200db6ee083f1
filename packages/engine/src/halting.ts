/** The one way in which a run ends on purpose: halt, 5 s, kill, wait for the exit, release (containers.md §5). */
import type { ContainerRecord, Intent } from './model.ts';
import type { Reason } from './protocol.ts';
import type { Turn } from './turn.ts';

/** Times of stopping, milliseconds. */
export const stopTimes = {
  /** From the halt signal to SIGKILL. */
  graceMs: 5000,
  /** From SIGKILL to the verdict that a container cannot be ended. */
  killMs: 5000,
} as const;

/**
 * Ends whatever exists of a container and applies `intent` when it is gone; a container of which nothing exists gets it at once.
 * A stop that is already under way only changes its intent.
 */
export function beginHalt(turn: Turn, name: string, intent: Intent): void {
  const { run, intent: earlier } = turn.record(name);
  if (intent === 'stay' || intent === 'remove' || intent === 'device-stop') dropStaged(turn, name);
  // A person's start or stop must not undo what an update or the end of the device has decided.
  const stronger = earlier === 'remove' || earlier === 'device-stop' ? earlier : intent;
  turn.cancel(name, 'retry');
  switch (run?.phase) {
    case undefined:
    case 'releasing':
      if (turn.record(name).status !== 'STOPPED') turn.move(name, 'gone');
      turn.put(name, { intent: stronger });
      applyIntent(turn, name);
      return;
    case 'mounted':
      turn.put(name, { intent: stronger });
      release(turn, name);
      turn.move(name, 'gone');
      applyIntent(turn, name);
      return;
    case 'mounting':
    case 'launching':
    case 'running': {
      const fresh = turn.record(name).status !== 'STOPPING';
      turn.put(name, { intent: stronger });
      if (!fresh) return;
      turn.cancel(name, 'goal');
      turn.cancel(name, 'stable');
      turn.move(name, 'halt');
      if (run.phase === 'mounting') return;
      if (run.phase === 'running') turn.emit({ type: 'container.halt', name, run: run.number });
      turn.arm(name, 'stop', run.number, stopTimes.graceMs);
      return;
    }
  }
}

/** Orders the release of the present run, once; its timers end with it. */
export function release(turn: Turn, name: string): void {
  const { run } = turn.record(name);
  if (run === undefined || run.phase === 'releasing') return;
  for (const kind of ['goal', 'stop', 'stable'] as const) turn.cancel(name, kind);
  turn.put(name, { run: { ...run, phase: 'releasing' }, stable: false });
  turn.emit({ type: 'container.release', name, run: run.number });
}

/** Gives up a run that was mounted aside. Its mount is answered before it is released. */
export function dropStaged(turn: Turn, name: string): void {
  const { staged } = turn.record(name);
  if (staged === undefined || staged.phase === 'releasing') return;
  if (staged.phase === 'mounting') {
    turn.put(name, { staged: { ...staged, unwanted: true } });
    return;
  }
  turn.put(name, { staged: { ...staged, phase: 'releasing' } });
  turn.emit({ type: 'container.release', name, run: staged.number });
}

const fresh: Partial<ContainerRecord> = { retries: 0, userStopped: false, recoveryFailed: false, completed: false };

/** Does what was wanted of a container that has just become STOPPED. */
export function applyIntent(turn: Turn, name: string): void {
  const { intent, replacement, plan } = turn.record(name);
  if (intent === undefined) return;
  turn.put(name, { plan: replacement ?? plan, replacement: undefined });
  switch (intent) {
    case 'stay':
      turn.put(name, { intent: undefined, userStopped: true });
      return;
    case 'start':
    case 'replace':
      turn.put(name, { ...fresh, intent: undefined });
      turn.move(name, 'install');
      return;
    case 'remove':
      removeIfGone(turn, name);
      return;
    case 'device-stop':
      return;
  }
}

/** Takes a removed container out of the model once nothing of it is left. */
export function removeIfGone(turn: Turn, name: string): void {
  const { intent, run, staged } = turn.record(name);
  if (intent === 'remove' && run === undefined && staged === undefined) turn.remove(name);
}

/** The stop timer of a run fired: kill first; if that did not help either, say so. */
export function stopTimedOut(turn: Turn, name: string): void {
  const { run } = turn.record(name);
  if (run === undefined || (run.phase !== 'running' && run.phase !== 'launching')) return;
  if (!run.killed) {
    turn.putRun(name, { killed: true });
    turn.note({
      code: 'container-killed',
      message: `${name} did not end within ${stopTimes.graceMs / 1000} s of its halt signal and is killed`,
      container: name,
    });
    turn.emit({ type: 'container.kill', name, run: run.number });
    turn.arm(name, 'stop', run.number, stopTimes.killMs);
    return;
  }
  const reason: Reason = {
    code: 'container-unkillable',
    message: `cannot end ${name}: its init is still there ${stopTimes.killMs / 1000} s after SIGKILL`,
    container: name,
    detail: run.pid === undefined ? 'init unknown' : `init pid ${run.pid}`,
  };
  turn.put(name, { lastReason: reason });
  turn.note(reason);
  if (turn.model.stopping !== undefined) {
    // The device must come to its end; a process stuck in the kernel goes with the power.
    release(turn, name);
    turn.move(name, 'gone', reason);
  } else if (turn.record(name).intent === 'replace' || turn.record(name).intent === 'remove') {
    turn.fail(reason);
  }
}
