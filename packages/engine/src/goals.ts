/** Status goals of containers, groups and the revision, and the statuses that follow from them (containers.md §1). */
import type { ContainerRecord, Model } from './model.ts';
import type { ContainerStatus } from './protocol.ts';
import { statusRank } from './status.ts';

/** In the order in which a group takes the highest of its members. */
export const goalStates = ['NONE', 'ACHIEVED', 'UNACHIEVED', 'TIMEDOUT'] as const;
export type GoalState = (typeof goalStates)[number];

/**
 * Where a container stands. `NONE`: it is beyond its goal (stopped, recovering), so nobody waits for it. A container that was
 * never started is UNACHIEVED without limit: its timer begins with its start.
 */
export function containerGoal(record: ContainerRecord): GoalState {
  const { status, plan } = record;
  if (status === plan.statusGoal) return 'ACHIEVED';
  const rank = statusRank(status);
  if (rank < statusRank('STARTING')) return 'UNACHIEVED';
  if (rank >= statusRank(plan.statusGoal)) return 'NONE';
  return record.goalTimedOut ? 'TIMEDOUT' : 'UNACHIEVED';
}

const higher = (a: GoalState, b: GoalState): GoalState => (goalStates.indexOf(a) >= goalStates.indexOf(b) ? a : b);

/** Highest goal state of these containers; NONE when there are none. */
export function goalOf(records: Iterable<ContainerRecord>): GoalState {
  let result: GoalState = 'NONE';
  for (const record of records) result = higher(result, containerGoal(record));
  return result;
}

/** READY, or the lowest status of those that have not reached their goal. */
export function statusOf(records: Iterable<ContainerRecord>): ContainerStatus {
  let lowest: ContainerStatus = 'READY';
  for (const record of records) {
    const goal = containerGoal(record);
    const waiting = goal === 'UNACHIEVED' || goal === 'TIMEDOUT';
    if (waiting && statusRank(record.status) < statusRank(lowest)) lowest = record.status;
  }
  return lowest;
}

/** Members of a group in document order. */
export function membersOf(model: Model, group: string): ContainerRecord[] {
  return [...model.containers.values()].filter((record) => record.plan.group === group);
}

/** Position of a container's group; a group that the revision does not know comes after all others. */
export function groupIndex(model: Model, group: string): number {
  const index = model.groups.findIndex(({ name }) => name === group);
  return index === -1 ? model.groups.length : index;
}

/**
 * Position of the last group that may start: the first one with an unachieved goal, or the end. Containers of later groups are
 * blocked. A group whose goals timed out lets the next ones start (containers.md §3).
 */
export function lastOpenGroup(model: Model): number {
  const first = model.groups.findIndex(({ name }) => goalOf(membersOf(model, name)) === 'UNACHIEVED');
  return first === -1 ? model.groups.length : first;
}

/**
 * How a revision under test stands, as an update asks. Unlike for the starting of groups, a container that is on its way back (recovering,
 * stopping for a restart) counts as unachieved, so that a crash loop is never taken for success; so does one of the old revision that is
 * still there.
 */
export function trialGoal(model: Model): GoalState {
  return [...model.containers.values()].map(trialGoalOf).reduce(higher, 'ACHIEVED');
}

/** The same for one container. */
export function trialGoalOf(record: ContainerRecord): GoalState {
  if (record.replacement !== undefined || record.intent === 'remove') return 'UNACHIEVED';
  const goal = containerGoal(record);
  const settled = record.userStopped || record.completed || record.recoveryFailed || record.intent === 'stay';
  return goal === 'NONE' && !settled ? 'UNACHIEVED' : goal;
}

/** Names of containers whose stability is not proven yet; they hold the commit of an update (containers.md §4.2). */
export function pendingStability(model: Model): string[] {
  return [...model.containers.values()]
    .filter((record) => {
      const { stableTimeout } = effectiveRecovery(model, record);
      return stableTimeout > 0 && !record.stable && !record.recoveryFailed && !record.userStopped && !record.completed;
    })
    .map((record) => record.plan.name);
}

/** The recovery rule that counts: the container's own, or its group's as a whole when the own policy is `no` (state-format.md §5.4). */
export function effectiveRecovery(model: Model, record: ContainerRecord): ContainerRecord['plan']['autoRecovery'] {
  const own = record.plan.autoRecovery;
  if (own.policy !== 'no') return own;
  return model.groups.find(({ name }) => name === record.plan.group)?.autoRecovery ?? own;
}
