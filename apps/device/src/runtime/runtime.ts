/** The running device as the rest of it sees it: the engine's model, the containers on the machine, requests and their answers. */
import {
  type Answer,
  type ContainerStatus,
  containerViews,
  type DeviceModel,
  groupViews,
  revisionView,
} from '@pantavisor/engine';
import type { State } from '@pantavisor/state';
import { ownerOf } from '../containers/control-groups.ts';
import type { Lifecycle } from '../containers/lifecycle.ts';
import type { Host, Peer } from '../host/ports.ts';
import type {
  BuildInfo,
  Caller,
  ContainerAction,
  ContainerReport,
  GroupReport,
  Runtime,
  SignalAnswer,
} from './facade.ts';
import type { Loop } from './loop.ts';

/** Requests that wait for the engine's answer, by their number. */
export class PendingAnswers {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  /** A new number, and the promise of its answer. */
  open(): { id: number; answer: Promise<Answer> } {
    this.#last += 1;
    const id = this.#last;
    return { id, answer: new Promise((resolve) => this.#waiting.set(id, resolve)) };
  }

  /** Gives an answer to who asked; a number nobody waits for is ignored. */
  settle(id: number, answer: Answer): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }
}

export interface RuntimeParts {
  host: Pick<Host, 'files' | 'clock' | 'containers'>;
  loop: Loop<DeviceModel>;
  lifecycle: Lifecycle;
  answers: PendingAnswers;
  /** State of the running revision; undefined before one is loaded. */
  state: () => State | undefined;
  /** Notes what a person asked of a container, so that it outlives this runtime. */
  noteWish: (report: ContainerReport, stopped: boolean) => Promise<void>;
  controlGroup: string;
  buildInfo: BuildInfo;
}

/** Makes the facade over the running parts. */
export function createRuntime(parts: RuntimeParts): Runtime {
  const { host, loop, lifecycle, answers, state, noteWish, controlGroup, buildInfo } = parts;
  const mgmtOf = (name: string) => state()?.containers.find((container) => container.name === name)?.mgmt === true;

  const containers = (): ContainerReport[] => {
    // The engine counts in time that only grows; people want the time of day.
    const offset = host.clock.wall() - host.clock.monotonic();
    return (containerViews(loop.model().containers) ?? []).map((view) => ({
      name: view.name,
      group: view.group,
      status: view.status,
      statusGoal: view.statusGoal,
      restartPolicy: view.restartPolicy,
      mgmt: mgmtOf(view.name),
      ...(view.autoRecovery === undefined ? {} : { autoRecovery: view.autoRecovery }),
      userStopped: view.userStopped,
      ...(view.pid === undefined ? {} : { pid: view.pid }),
      ...(view.startedAt === undefined ? {} : { startedAt: view.startedAt + offset }),
      ...(view.lastReason === undefined ? {} : { lastReason: view.lastReason }),
    }));
  };

  let seen: { model: object; state: State | undefined } | undefined;
  const unchanged = (): object => {
    const now = { model: loop.model().containers, state: state() };
    if (seen === undefined || seen.model !== now.model || seen.state !== now.state) seen = now;
    return seen;
  };

  const groups = (): GroupReport[] =>
    (groupViews(loop.model().containers) ?? []).map(({ name, status, statusGoal, restartPolicy, autoRecovery }) => ({
      name,
      status,
      statusGoal,
      restartPolicy,
      ...(autoRecovery === undefined ? {} : { autoRecovery }),
    }));

  const callerOf = async (peer: Peer): Promise<Caller> => {
    const settled = () => lifecycle.settled();
    const owner = await ownerOf(host.files, peer, controlGroup, () => lifecycle.known(), settled);
    if (owner.kind === 'host') return { kind: 'engine' };
    if (owner.kind === 'container') return { kind: 'container', name: owner.name, mgmt: mgmtOf(owner.name) };
    return { kind: 'unknown' };
  };

  const requestContainer = async (name: string, action: ContainerAction): Promise<Answer> => {
    const { id, answer } = answers.open();
    loop.post({ type: 'request.container', id, name, action });
    const decided = await answer;
    const report = containers().find((candidate) => candidate.name === name);
    if (decided.ok && report !== undefined) await noteWish(report, action === 'stop');
    return decided;
  };

  const signalReady = async (name: string): Promise<SignalAnswer> => {
    const view = containerViews(loop.model().containers)?.find((candidate) => candidate.name === name);
    const runs: readonly (ContainerStatus | undefined)[] = ['STARTING', 'STARTED', 'READY'];
    if (view?.statusGoal !== 'READY' || !runs.includes(view.status)) return { ok: false, code: 'not-expected' };
    loop.post({ type: 'container.ready', name });
    return { ok: true };
  };

  return {
    loaded: () => state() !== undefined && loop.model().containers.revision !== undefined,
    revision: () => loop.model().containers.revision,
    containers,
    unchanged,
    groups,
    status: () => revisionView(loop.model().containers)?.status ?? 'NONE',
    requestContainer,
    signalReady,
    callerOf,
    memoryOf: async (name) => {
      const found = lifecycle.runningOf(name);
      return found === undefined ? undefined : host.containers.memory(found.running);
    },
    buildInfo: () => ({ version: buildInfo.version, lines: [...buildInfo.lines] }),
  };
}
