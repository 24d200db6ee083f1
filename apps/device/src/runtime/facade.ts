/**
 * What the rest of the device may ask of the running device: the control socket, tests and later rooms see it only through
 * this interface. Every answer is a copy: keeping or changing it has no effect on the device.
 */
import type { Answer, ContainerStatus, Reason, RecoveryView } from '@pantavisor/engine';
import type { AutoRecovery, RestartPolicy, StatusGoal } from '@pantavisor/state';
import type { Peer } from '../host/ports.ts';

/** One container as people and programs see it (containers.md §5.1). */
export interface ContainerReport {
  name: string;
  group: string;
  status: ContainerStatus;
  statusGoal: StatusGoal;
  restartPolicy: RestartPolicy;
  mgmt: boolean;
  /** The rule that applies, own or taken over from the group; absent when the policy is `no`. */
  autoRecovery?: RecoveryView;
  userStopped: boolean;
  /** Pid of init in the runtime's pid namespace, while it runs. */
  pid?: number;
  /** Unix time in milliseconds at which init was started, while it runs. */
  startedAt?: number;
  /** Why it is not what it should be, or was not lately. */
  lastReason?: Reason;
}

/** One group as people and programs see it. */
export interface GroupReport {
  name: string;
  status: ContainerStatus;
  statusGoal: StatusGoal;
  restartPolicy: RestartPolicy;
  autoRecovery?: AutoRecovery;
}

/** Who is at the other end of a connection (control.md §3). `engine`: a process of the runtime's own, or of the host. */
export type Caller = { kind: 'engine' } | { kind: 'container'; name: string; mgmt: boolean } | { kind: 'unknown' };

/** `not-expected`: the container has no goal READY, does not run, or is not known. */
export type SignalAnswer = { ok: true } | { ok: false; code: 'not-expected' };

/** Text pieces of `GET /buildinfo`. */
export interface BuildInfo {
  version: string;
  /** `PV_…=value` or free lines that describe how this program was built. */
  lines: string[];
}

export type ContainerAction = 'start' | 'stop' | 'restart';

/** The running device. */
export interface Runtime {
  /** False until a revision was read and handed to the engine; lists are empty until then. */
  loaded(): boolean;
  /** Name of the running revision, e.g. `0` or `locals/x`. */
  revision(): string | undefined;
  /** In the order of the state document. */
  containers(): ContainerReport[];
  /** The same object for as long as `containers` says the same, and to be compared only: who wrote that down need not do it again. */
  unchanged(): object;
  /** In starting order. */
  groups(): GroupReport[];
  /** Lowest status over all groups, `NONE` before a revision is loaded. */
  status(): ContainerStatus;
  /** Asks the engine; resolves as soon as it has decided, not when the container has reached the new status. */
  requestContainer(name: string, action: ContainerAction): Promise<Answer>;
  /** The container says that it is ready (control.md, POST /signal). */
  signalReady(name: string): Promise<SignalAnswer>;
  /** Identifies a peer by the control group of its process, compared with that of each running init. */
  callerOf(peer: Peer): Promise<Caller>;
  /** Memory of a running container in bytes, when the kernel can tell. */
  memoryOf(name: string): Promise<number | undefined>;
  buildInfo(): BuildInfo;
}
