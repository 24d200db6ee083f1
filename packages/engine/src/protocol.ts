/**
 * The language between the engine, which decides, and the device, which acts: events in, effects out, both plain data.
 * The engine has no clock: every event carries the monotonic time in milliseconds at which it happened.
 */
import type { AutoRecovery, Group, RestartPolicy, StatusGoal } from '@pantavisor/state';

/** Status of a container, in the order in which comparisons take them (containers.md §1). */
export const containerStatuses = [
  'NONE',
  'INSTALLED',
  'MOUNTED',
  'BLOCKED',
  'STARTING',
  'STARTED',
  'READY',
  'RECOVERING',
  'STOPPING',
  'STOPPED',
] as const;
export type ContainerStatus = (typeof containerStatuses)[number];

/** What the engine needs to know of a container; a part of the state's own record. */
export interface ContainerPlan {
  name: string;
  group: string;
  statusGoal: StatusGoal;
  restartPolicy: RestartPolicy;
  autoRecovery: AutoRecovery;
}

/** A revision as the engine sees it: groups in starting order, containers in document order. */
export interface RevisionPlan {
  revision: string;
  groups: Group[];
  containers: ContainerPlan[];
}

/** How a container's init ended. `unknown`: it ended while nobody who could ask the kernel was watching. */
export type ExitStatus = { kind: 'code'; code: number } | { kind: 'signal'; signal: string } | { kind: 'unknown' };

/** Why something failed, for people and programs: a stable code, a sentence, and the file, rule or value concerned. */
export interface Reason {
  code: string;
  message: string;
  container?: string;
  file?: string;
  detail?: string;
}

/**
 * `run` numbers the starts of one container from 1: the engine puts it into each effect and the device hands it back with
 * the result, so that a late result of an earlier start is told apart and ignored.
 */
export type ContainerEvent =
  | { type: 'container.mounted'; name: string; run: number }
  | { type: 'container.mount-failed'; name: string; run: number; reason: Reason }
  /** LXC reported a running init. */
  | { type: 'container.started'; name: string; run: number; pid: number }
  | { type: 'container.start-failed'; name: string; run: number; reason: Reason }
  /** Init ended, asked or not. */
  | { type: 'container.exited'; name: string; run: number; exit: ExitStatus }
  /** Volumes unmounted, control groups removed: nothing of this run is left. */
  | { type: 'container.released'; name: string; run: number }
  /** The container said `ready` on the control socket. */
  | { type: 'container.ready'; name: string };

/** A person or a program asks for something; the engine answers with the effect `answer` of the same id. */
export type RequestEvent = {
  type: 'request.container';
  id: number;
  name: string;
  action: 'start' | 'stop' | 'restart';
};

export type Event = { at: number } & (
  | ContainerEvent
  | RequestEvent
  /**
   * Run a revision from nothing. `adopted`: containers of it that were found running, with the pid of their init; they count as
   * run 1. With `userStopped` a running one is stopped further, and one with pid 0 stays stopped.
   */
  | {
      type: 'revision.run';
      plan: RevisionPlan;
      adopted: { name: string; pid: number; ready: boolean; startedAt?: number; userStopped?: boolean }[];
    }
  /** Change the running revision in place, as a transition without reboot was planned; everything unnamed keeps its init. */
  | { type: 'revision.transition'; plan: RevisionPlan; restart: string[]; remove: string[]; start: string[] }
  /** An update begins or ends to try the running revision: while `active`, exhausted retries fail the revision at once. */
  | { type: 'revision.trial'; active: boolean }
  | { type: 'timer.fired'; timer: string }
  /** Stop everything in order and finish; the reason goes to logs. */
  | { type: 'device.stop'; purpose: 'poweroff' | 'reboot' | 'exit' }
);

/** What a request came to; the control socket turns it into a status code and the original's text. */
export type Answer =
  | { ok: true }
  | {
      ok: false;
      code: 'container-unknown' | 'restart-policy-system' | 'not-startable' | 'not-restartable' | 'state-not-loaded';
    };

export type Effect =
  /**
   * Mount volumes and configuration layers. Ends in container.mounted or container.mount-failed; every mount, also a failed one,
   * is followed by exactly one container.release of the same run. `staged`: an earlier run still uses the usual place; mount
   * aside and move the mounts into place when container.start of this run comes, which is after the earlier run's release.
   */
  | { type: 'container.mount'; name: string; run: number; staged?: true }
  /** Start LXC on mounted volumes. Ends in container.started or container.start-failed, later container.exited. */
  | { type: 'container.start'; name: string; run: number }
  /** Ask init to end (its halt signal) and return at once. */
  | { type: 'container.halt'; name: string; run: number }
  /** SIGKILL to init and whatever is left in its control group. */
  | { type: 'container.kill'; name: string; run: number }
  /** Unmount, remove control groups and working files. Ends in container.released. */
  | { type: 'container.release'; name: string; run: number }
  /** Send timer.fired after `ms`; an armed timer of the same name is replaced. */
  | { type: 'timer.arm'; timer: string; ms: number }
  | { type: 'timer.cancel'; timer: string }
  | { type: 'answer'; id: number; answer: Answer }
  /** The status of a container changed: log it, tell whoever watches, write it where adoption finds it. */
  | { type: 'status.changed'; name: string; from: ContainerStatus; to: ContainerStatus; reason?: Reason }
  /** The lowest status of all groups changed; READY runs the hook `system-done`. */
  | { type: 'revision.status'; status: ContainerStatus }
  /** A revision cannot hold: outside an update the device reboots, within one it rolls back (containers.md §4). */
  | { type: 'revision.failed'; reason: Reason }
  /** Everything is stopped and released after device.stop. */
  | { type: 'device.stopped'; purpose: 'poweroff' | 'reboot' | 'exit' };

/** Result of one step of the engine. `reasons` explain decisions that are not visible in effects, for the log. */
export interface Step<M, E = Effect> {
  model: M;
  effects: E[];
  reasons: Reason[];
}
