/** Running a revision, changing it in place, and stopping the whole device in order. */
import { groupIndex, lastOpenGroup } from './goals.ts';
import { beginHalt, dropStaged } from './halting.ts';
import { armGoal, goalReached, startRun } from './lifecycle.ts';
import { type ContainerRecord, createRecord, createRun } from './model.ts';
import type { Event } from './protocol.ts';
import type { Turn } from './turn.ts';

type RunRevision = Extract<Event, { type: 'revision.run' }>;
type Transition = Extract<Event, { type: 'revision.transition' }>;

/** Takes the revision and the containers of it that were found running. Refused while another revision has anything left. */
export function runRevision(turn: Turn, { plan, adopted }: RunRevision): void {
  const { stopping, containers: present } = turn.model;
  if (stopping !== undefined || [...present.values()].some(isPresent)) {
    const message = `cannot run revision ${plan.revision}: ${turn.model.revision ?? 'the device'} is still there`;
    turn.note({ code: 'revision-in-the-way', message });
    return;
  }
  const containers = new Map(plan.containers.map((container) => [container.name, createRecord(container)]));
  turn.change({
    revision: plan.revision,
    groups: plan.groups,
    containers,
    revisionStatus: undefined,
    failure: undefined,
  });
  for (const { name } of plan.containers) {
    const found = adopted.find((candidate) => candidate.name === name);
    if (found === undefined) turn.move(name, 'install');
    else adopt(turn, found);
  }
}

/** Something of the container exists on the machine. */
export function isPresent({ run, staged }: ContainerRecord): boolean {
  return run !== undefined || staged !== undefined;
}

function adopt(turn: Turn, { name, pid, ready, startedAt, userStopped }: RunRevision['adopted'][number]): void {
  if (pid <= 0) {
    turn.put(name, { userStopped: userStopped === true });
    turn.move(name, 'gone');
    if (userStopped !== true) turn.move(name, 'install');
    return;
  }
  const since = startedAt ?? turn.at;
  turn.put(name, { run: { ...createRun(1, 'running'), pid, launchedAt: since, startedAt: since }, lastRun: 1 });
  turn.move(name, 'adopt');
  const { statusGoal } = turn.record(name).plan;
  if (statusGoal === 'READY' && ready) turn.move(name, 'ready');
  if (statusGoal === 'READY' && !ready) armGoal(turn, name);
  else goalReached(turn, name);
  if (userStopped === true) beginHalt(turn, name, 'stay');
}

/**
 * Changes the running revision in place (containers.md §6). A restarted container that runs is replaced with the shortest gap: its new
 * volumes are mounted first, then the old init is stopped, then the new one started, through the gates of its group.
 */
export function transition(turn: Turn, { plan, restart, remove, start }: Transition): void {
  const { stopping, revision, containers: before, retired } = turn.model;
  if (stopping !== undefined || revision === undefined) {
    turn.note({
      code: 'transition-out-of-place',
      message: `cannot change to revision ${plan.revision}: no revision runs`,
    });
    return;
  }
  const leaving = [...before].filter(([name]) => !plan.containers.some((container) => container.name === name));
  const containers = new Map(
    plan.containers.map((container) => [
      container.name,
      before.get(container.name) ?? createRecord(container, retired.get(container.name)),
    ]),
  );
  for (const [name, record] of leaving) containers.set(name, record);
  turn.change({ revision: plan.revision, groups: plan.groups, containers, failure: undefined });
  for (const name of new Set([...remove, ...leaving.map(([left]) => left)]))
    if (before.has(name)) beginHalt(turn, name, 'remove');
  for (const container of plan.containers)
    if (!before.has(container.name)) turn.move(container.name, 'install');
    else if (returns(before.get(container.name)) || [...restart, ...start].includes(container.name))
      replace(turn, container);
}

/** On its way out by an earlier update, and wanted again. */
function returns(record: ContainerRecord | undefined): boolean {
  return record?.intent === 'remove';
}

function replace(turn: Turn, plan: ContainerRecord['plan']): void {
  const { name } = plan;
  turn.put(name, { replacement: plan, intent: undefined });
  const { run, staged, status } = turn.record(name);
  if (run?.phase !== 'running' || staged !== undefined || status === 'STOPPING') beginHalt(turn, name, 'replace');
  else stage(turn, name);
}

function stage(turn: Turn, name: string): void {
  const { lastRun } = turn.record(name);
  turn.put(name, { staged: createRun(lastRun + 1, 'mounting'), lastRun: lastRun + 1 });
  turn.emit({ type: 'container.mount', name, run: lastRun + 1, staged: true });
}

/** Starts every container whose turn has come; the others of the revision wait as BLOCKED (containers.md §3). */
export function startEligible(turn: Turn): void {
  const open = lastOpenGroup(turn.model);
  for (const [name, record] of turn.model.containers) {
    const { status, plan } = record;
    if ((status !== 'INSTALLED' && status !== 'BLOCKED') || record.intent !== undefined) continue;
    if (groupIndex(turn.model, plan.group) <= open) startRun(turn, name);
    else if (status === 'INSTALLED') turn.move(name, 'block');
  }
  // A container of goal MOUNTED reaches it within this pass and may have opened the next group.
  if (lastOpenGroup(turn.model) > open) startEligible(turn);
}

/**
 * Goes on with stopping the device: group by group from the last to the first, the members of a group in parallel, so that nothing loses what it was
 * started after. (The original stops all in list order.) Ends in device.stopped once nothing is left.
 */
export function continueStop(turn: Turn): void {
  const { stopping, stopped } = turn.model;
  if (stopping === undefined || stopped) return;
  for (const [name, { run, status }] of turn.model.containers) {
    dropStaged(turn, name);
    if (run === undefined && status !== 'STOPPED') beginHalt(turn, name, 'device-stop');
  }
  const left = [...turn.model.containers.values()].filter(isPresent);
  if (left.length === 0) {
    turn.change({ stopped: true });
    turn.emit({ type: 'device.stopped', purpose: stopping });
    return;
  }
  const last = Math.max(...left.map(({ plan }) => groupIndex(turn.model, plan.group)));
  for (const { plan, intent } of left)
    if (groupIndex(turn.model, plan.group) === last && intent !== 'device-stop' && intent !== 'remove')
      beginHalt(turn, plan.name, 'device-stop');
}
