/** What the control socket and people see of the model. */
import type { AutoRecovery, RestartPolicy, StatusGoal } from '@pantavisor/state';
import { containerGoal, effectiveRecovery, type GoalState, goalOf, membersOf, statusOf } from './goals.ts';
import type { ContainerRecord, Model } from './model.ts';
import type { ContainerStatus, ExitStatus, Reason } from './protocol.ts';

/** Recovery of a container as the control socket shows it; times in seconds. */
export interface RecoveryView {
  policy: AutoRecovery['policy'];
  maxRetries: number;
  currentRetries: number;
  stableTimeout: number;
  isStable: boolean;
  backoffPolicy: AutoRecovery['backoffPolicy'];
}

export interface ContainerView {
  name: string;
  group: string;
  status: ContainerStatus;
  statusGoal: StatusGoal;
  restartPolicy: RestartPolicy;
  /** Only with a policy other than `no`, own or taken over from the group. */
  autoRecovery?: RecoveryView;
  /** The control socket shows it only for restart policy `container`. */
  userStopped: boolean;
  goal: GoalState;
  /** Number of the latest start; 0 before the first. */
  run: number;
  /** Pid of a running init. */
  pid?: number;
  /** Monotonic milliseconds of the running init's start. */
  startedAt?: number;
  /** How the latest run that ended did so, and when (monotonic milliseconds). */
  lastExit?: ExitStatus;
  exitedAt?: number;
  /** Why it is not what it should be, or was not lately. */
  lastReason?: Reason;
  /** Ended in order and is not started again. */
  completed: boolean;
  /** Stays stopped because nothing recovers it any more. */
  recoveryFailed: boolean;
}

export interface GroupView {
  name: string;
  statusGoal: StatusGoal;
  restartPolicy: RestartPolicy;
  status: ContainerStatus;
  goal: GoalState;
  autoRecovery?: AutoRecovery;
}

export interface RevisionView {
  revision: string;
  status: ContainerStatus;
  goal: GoalState;
  failure?: Reason;
}

/** Containers in document order; undefined before a revision is loaded (the control socket answers 500 then). */
export function containerViews(model: Model): ContainerView[] | undefined {
  if (model.revision === undefined) return undefined;
  return [...model.containers.values()].map((record) => containerView(model, record));
}

function containerView(model: Model, record: ContainerRecord): ContainerView {
  const { plan, run } = record;
  const rule = effectiveRecovery(model, record);
  const running = run?.phase === 'running' ? run : undefined;
  return {
    name: plan.name,
    group: plan.group,
    status: record.status,
    statusGoal: plan.statusGoal,
    restartPolicy: plan.restartPolicy,
    ...(rule.policy === 'no'
      ? {}
      : {
          autoRecovery: {
            policy: rule.policy,
            maxRetries: rule.maxRetries,
            currentRetries: record.retries,
            stableTimeout: rule.stableTimeout,
            isStable: record.stable,
            backoffPolicy: rule.backoffPolicy,
          },
        }),
    userStopped: record.userStopped,
    goal: containerGoal(record),
    run: record.lastRun,
    ...(running?.pid === undefined ? {} : { pid: running.pid }),
    ...(running?.startedAt === undefined ? {} : { startedAt: running.startedAt }),
    ...(record.lastExit === undefined ? {} : { lastExit: record.lastExit }),
    ...(record.exitedAt === undefined ? {} : { exitedAt: record.exitedAt }),
    ...(record.lastReason === undefined ? {} : { lastReason: record.lastReason }),
    completed: record.completed,
    recoveryFailed: record.recoveryFailed,
  };
}

/** Groups in starting order; undefined before a revision is loaded. */
export function groupViews(model: Model): GroupView[] | undefined {
  if (model.revision === undefined) return undefined;
  return model.groups.map((group) => {
    const members = membersOf(model, group.name);
    return {
      name: group.name,
      statusGoal: group.statusGoal,
      restartPolicy: group.restartPolicy,
      status: statusOf(members),
      goal: goalOf(members),
      ...(group.autoRecovery === undefined ? {} : { autoRecovery: group.autoRecovery }),
    };
  });
}

/** The revision as a whole: its status is the lowest of its groups. */
export function revisionView(model: Model): RevisionView | undefined {
  if (model.revision === undefined) return undefined;
  const records = [...model.containers.values()];
  return {
    revision: model.revision,
    status: statusOf(records),
    goal: goalOf(records),
    ...(model.failure === undefined ? {} : { failure: model.failure }),
  };
}
