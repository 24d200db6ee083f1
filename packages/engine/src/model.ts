/** What the engine remembers: plain data, never changed in place. */
import type { Group } from '@pantavisor/state';
import type { ContainerPlan, ContainerStatus, Event, ExitStatus, Reason } from './protocol.ts';

/**
 * How far one start of a container has come, seen from what exists on the machine. The status is what people see; the phase
 * says which effect is unanswered and what has to be undone.
 *
 * `mounting` and `releasing` wait for their answer, `mounted` has volumes only, `launching` waits for LXC, `running` has an init.
 */
export type RunPhase = 'mounting' | 'mounted' | 'launching' | 'running' | 'releasing';

/** One start of a container. Numbers grow by one with each start and are never used again. */
export interface Run {
  readonly number: number;
  readonly phase: RunPhase;
  readonly pid: number | undefined;
  /** When LXC was asked to start it: the `last_start` of recovery windows. */
  readonly launchedAt: number | undefined;
  readonly startedAt: number | undefined;
  /** The status goal was reached in this run. */
  readonly goalReached: boolean;
  /** `ready` came before LXC reported the init. */
  readonly readyEarly: boolean;
  /** SIGKILL was sent; a second expiry of the stop timer means that it did not help. */
  readonly killed: boolean;
  /** A staged run that nobody wants any more: release it as soon as its mount has answered. */
  readonly unwanted: boolean;
}

/** What happens once the current run is gone. `stay`: a person stopped it. */
export type Intent = 'stay' | 'start' | 'replace' | 'remove' | 'device-stop';

export type TimerKind = 'goal' | 'stop' | 'retry' | 'stable';

export interface ContainerRecord {
  readonly plan: ContainerPlan;
  readonly status: ContainerStatus;
  readonly run: Run | undefined;
  /** The next run, mounted aside while the present one still works (transition in place). */
  readonly staged: Run | undefined;
  /** Number of the latest run, 0 before the first. */
  readonly lastRun: number;
  readonly intent: Intent | undefined;
  /** What the container becomes when its present run is gone (transition in place). */
  readonly replacement: ContainerPlan | undefined;
  readonly retries: number;
  readonly userStopped: boolean;
  /** Retries are used up and the backoff policy says never, or it cannot be started and nothing recovers it. */
  readonly recoveryFailed: boolean;
  /** Ended in order, and its policy takes that as done. */
  readonly completed: boolean;
  readonly stable: boolean;
  readonly goalTimedOut: boolean;
  /** Armed timers with the run they belong to. */
  readonly timers: { readonly [Kind in TimerKind]?: number };
  readonly lastExit: ExitStatus | undefined;
  readonly exitedAt: number | undefined;
  readonly lastReason: Reason | undefined;
}

export type StopPurpose = Extract<Event, { type: 'device.stop' }>['purpose'];

export interface Model {
  readonly revision: string | undefined;
  readonly groups: readonly Group[];
  /** In document order of the revision. */
  readonly containers: ReadonlyMap<string, ContainerRecord>;
  /** Latest run of containers that were removed: should one come back, its numbers go on, and late answers stay late. */
  readonly retired: ReadonlyMap<string, number>;
  readonly revisionStatus: ContainerStatus | undefined;
  /** An update is trying this revision. */
  readonly trial: boolean;
  /** Why the revision cannot hold; said once. */
  readonly failure: Reason | undefined;
  readonly stopping: StopPurpose | undefined;
  readonly stopped: boolean;
}

/** A device on which no revision was run yet. */
export function createModel(): Model {
  return {
    revision: undefined,
    groups: [],
    containers: new Map(),
    retired: new Map(),
    revisionStatus: undefined,
    trial: false,
    failure: undefined,
    stopping: undefined,
    stopped: false,
  };
}

/** A container before its first start; `lastRun` when it had runs in an earlier revision. */
export function createRecord(plan: ContainerPlan, lastRun = 0): ContainerRecord {
  return {
    plan,
    status: 'NONE',
    run: undefined,
    staged: undefined,
    lastRun,
    intent: undefined,
    replacement: undefined,
    retries: 0,
    userStopped: false,
    recoveryFailed: false,
    completed: false,
    stable: false,
    goalTimedOut: false,
    timers: {},
    lastExit: undefined,
    exitedAt: undefined,
    lastReason: undefined,
  };
}

/** A start at its very beginning. */
export function createRun(number: number, phase: RunPhase): Run {
  return {
    number,
    phase,
    pid: undefined,
    launchedAt: undefined,
    startedAt: undefined,
    goalReached: false,
    readyEarly: false,
    killed: false,
    unwanted: false,
  };
}
