/**
 * The life of containers on the machine: mount, start, halt, kill, release, each asked for by the engine and answered by an event
 * (containers.md §2 to §5). Steps of one run follow each other; different containers go on side by side.
 */
import type { ContainerEvent } from '@pantavisor/engine';
import type { ContainerExit, RunningContainer } from '../host/ports.ts';
import type { ContainerLogs } from '../logs/container-logs.ts';
import { reasonOf } from '../runtime/failure.ts';
import type { Log } from '../runtime/log.ts';
import { removeTree } from '../volumes/directories.ts';
import { planVolumes, type VolumeContext, type VolumeStep } from '../volumes/plan.ts';
import { mountVolumes, mustWait, settleVolumes, unmountVolumes, type VolumeRoom } from '../volumes/volumes.ts';
import { removeConfiguration } from './config-layer.ts';
import { type KnownContainer, readGroups, rootGroups } from './control-groups.ts';
import { haltInit } from './halt.ts';
import { type ContainerSource, type Launched, type LaunchRoom, launch } from './launch.ts';
import { removePresence } from './presence.ts';

/** How long a release waits for a step that does not come to its end. */
const releasePatienceMs = 10_000;

/** What is known of one start of a container. */
interface Run {
  readonly name: string;
  readonly number: number;
  readonly source: ContainerSource;
  readonly staged: boolean;
  /** Directory of its mount points now. */
  directory: string;
  steps: readonly VolumeStep[];
  launched: Launched | undefined;
  known: KnownContainer | undefined;
  /** Ends when the latest step of this run has ended; never fails. */
  tail: Promise<void>;
}

export interface LifecycleRoom extends LaunchRoom {
  logs: Pick<ContainerLogs, 'prepare' | 'lxcDirectory' | 'started' | 'ending'>;
  volumes: VolumeRoom;
  diskRoot: VolumeContext['diskRoot'];
  handlers: boolean;
  /** The container as the revision to run next has it. */
  sourceOf: (name: string) => ContainerSource;
  /** More to do when a container runs, and before its volumes go, e.g. exports. Failures are logged. */
  attend: {
    started(source: ContainerSource, running: RunningContainer): Promise<void>;
    ending(name: string): Promise<void>;
  };
  post: (event: ContainerEvent) => void;
  log: Log;
}

/** Performs the engine's effects on containers. No method waits or fails: results are events. */
export class Lifecycle {
  readonly #room: LifecycleRoom;
  readonly #runs = new Map<string, Run>();
  readonly #starting = new Set<Promise<void>>();

  constructor(room: LifecycleRoom) {
    this.#room = room;
  }

  /** Mounts the volumes of a new run. `staged`: aside, since an earlier run still has the usual place. */
  mount(name: string, number: number, staged: boolean): void {
    const { places, sourceOf, post, volumes } = this.#room;
    const source = sourceOf(name);
    const directory = staged ? `${places.volumes}/.staged/${name}` : `${places.volumes}/${name}`;
    const steps = this.#plan(source, directory);
    const run = this.#add({ name, number, source, staged, directory, steps, launched: undefined, known: undefined });
    this.#queue(run, async () => {
      try {
        await source.verify();
        await mountVolumes(volumes, name, staged ? steps.filter((step) => !mustWait(step)) : steps);
        post({ type: 'container.mounted', name, run: number });
      } catch (error) {
        const reason = reasonOf(error, name, `mount the volumes of ${name}`);
        post({ type: 'container.mount-failed', name, run: number, reason });
      }
    });
  }

  /** Starts a mounted run. */
  start(name: string, number: number): void {
    const run = this.#find(name, number);
    if (run === undefined) return;
    const { post } = this.#room;
    const work = this.#queue(run, async () => {
      try {
        if (run.staged) await this.#settle(run);
        run.launched = await launch(this.#room, run.source);
        run.known = await this.#identify(run.launched.running);
      } catch (error) {
        const reason = reasonOf(error, name, `start ${name}`);
        post({ type: 'container.start-failed', name, run: number, reason });
        return;
      }
      const { running } = run.launched;
      post({ type: 'container.started', name, run: number, pid: running.initPid });
      this.#watch(run, running);
      await this.#room.logs.started(run.source, running);
      await this.#attempt(`finish the start of ${name}`, this.#room.attend.started(run.source, running));
    });
    this.#starting.add(work);
    void work.finally(() => this.#starting.delete(work));
  }

  /** Asks init to end and returns at once. */
  halt(name: string, number: number): void {
    const run = this.#find(name, number);
    if (run === undefined) return;
    this.#queue(run, async () => {
      const { launched } = run;
      if (launched === undefined) return;
      const isOver = () => run.known === undefined;
      void this.#attempt(`halt ${name}`, haltInit(this.#room.host, launched.running, launched.haltSignal, isOver));
    });
  }

  /** Kills whatever is left of a run, also one whose start does not come to an end. */
  kill(name: string, number: number): void {
    const { containers } = this.#room.host;
    const run = this.#find(name, number);
    if (run === undefined) return;
    void this.#attempt(`kill ${name}`, async () => {
      const running = run.launched?.running ?? (await containers.find(name, this.#room.places.lxc));
      if (running !== undefined) await containers.kill(running);
    });
  }

  /** Takes away everything that a run left: mounts, control groups, working files. */
  release(name: string, number: number): void {
    const run = this.#find(name, number);
    const { post } = this.#room;
    if (run === undefined) {
      post({ type: 'container.released', name, run: number });
      return;
    }
    run.tail = this.#endOf(run.tail);
    this.#queue(run, async () => {
      // A run that was mounted aside and never came to its place has nothing there to release.
      if (run.directory === `${this.#room.places.volumes}/${name}`)
        await this.#releasePlace(name, run.directory, run.steps);
      else await this.#unmount(name, run.directory, run.steps);
      this.#runs.delete(keyOf(name, number));
      post({ type: 'container.released', name, run: number });
    });
  }

  /**
   * Takes over a container that an earlier runtime left running, as run 1. Its volumes are mounted already.
   * @param address address it leased from a pool
   */
  async adopt(source: ContainerSource, running: RunningContainer, address: string | undefined): Promise<void> {
    const { name } = source.container;
    const directory = `${this.#room.places.volumes}/${name}`;
    const steps = this.#plan(source, directory);
    const launched = { running, haltSignal: undefined, address };
    const known = await this.#identify(running);
    const run = this.#add({ name, number: 1, source, staged: false, directory, steps, launched, known });
    this.#watch(run, running);
    await this.#room.logs.prepare(source);
    await this.#room.logs.started(source, running);
  }

  /** Takes away what an earlier runtime left of a container that does not run any more. @param source absent: not of this revision */
  async sweep(name: string, source: ContainerSource | undefined): Promise<void> {
    const directory = `${this.#room.places.volumes}/${name}`;
    await this.#releasePlace(name, directory, source === undefined ? [] : this.#plan(source, directory));
  }

  /** Containers that run, with their control groups. */
  known(): KnownContainer[] {
    return [...this.#runs.values()].flatMap(({ known }) => (known === undefined ? [] : [known]));
  }

  /** Waits until every start that is under way has come to its end. */
  async settled(): Promise<void> {
    await Promise.all(this.#starting);
  }

  /** The running container, its leased address and the revision it was started from. */
  runningOf(name: string): { running: RunningContainer; address: string | undefined; revision: string } | undefined {
    for (const { name: own, launched, source } of this.#runs.values())
      if (own === name && launched !== undefined)
        return { running: launched.running, address: launched.address, revision: source.revision };
    return undefined;
  }

  /** Revisions that anything mounted or running comes from. */
  revisions(): string[] {
    return [...new Set([...this.#runs.values()].map(({ source }) => source.revision))];
  }

  #plan({ container, revision, trail }: ContainerSource, target: string): VolumeStep[] {
    const { places, diskRoot, handlers } = this.#room;
    const directory = `${trail}/${container.directory}`;
    return planVolumes(container, { places, revision, trail: directory, target, diskRoot, handlers });
  }

  async #settle(run: Run): Promise<void> {
    const { places, volumes } = this.#room;
    const aside = { directory: run.directory, steps: run.steps };
    run.directory = `${places.volumes}/${run.name}`;
    run.steps = this.#plan(run.source, run.directory);
    await settleVolumes(volumes, run.name, aside.steps, run.steps);
    await unmountVolumes(volumes, run.name, aside.directory, aside.steps);
  }

  async #identify(running: RunningContainer): Promise<KnownContainer> {
    const groups = await readGroups(this.#room.host.files, running.initPid);
    return { name: running.name, roots: rootGroups(groups ?? new Map(), running.name) };
  }

  #watch(run: Run, running: RunningContainer): void {
    const { name, number } = run;
    const ended = (exit: ContainerExit) => {
      run.known = undefined;
      const { kind, code, signal } = exit;
      const status =
        kind === 'code'
          ? { kind, code: code ?? 0 }
          : kind === 'signal'
            ? { kind, signal: signal ?? 'SIGKILL' }
            : { kind };
      this.#room.post({ type: 'container.exited', name, run: number, exit: status });
    };
    this.#room.host.containers.exited(running).then(ended, (error) => {
      this.#room.log('ERROR', 'containers', `cannot watch ${name}: ${messageOf(error)}`);
      ended({ kind: 'unknown' });
    });
  }

  #unmount(name: string, directory: string, steps: readonly VolumeStep[]): Promise<void> {
    const work = unmountVolumes(this.#room.volumes, name, directory, steps);
    return this.#attempt(`unmount the volumes of ${name}`, work);
  }

  async #releasePlace(name: string, directory: string, steps: readonly VolumeStep[]): Promise<void> {
    const { host, places, attend, logs } = this.#room;
    await logs.ending(name);
    await this.#attempt(`end the exports of ${name}`, attend.ending(name));
    await this.#unmount(name, directory, steps);
    for (const kind of ['payload', 'monitor'])
      await this.#attempt(
        `remove the control groups of ${name}`,
        host.containers.removeControlGroups(`${places.controlGroup}/lxc.${kind}.${name}`),
      );
    await this.#attempt(`remove working files of ${name}`, async () => {
      await removeConfiguration(host.files, `${places.configs}/${name}`);
      await removePresence(host.files, places, name);
      await removeTree(host.files, `${places.lxc}/${name}`);
    });
  }

  /** What fails while tidying up is said and does not keep the rest from being done. */
  async #attempt(doing: string, work: Promise<void> | (() => Promise<void>)): Promise<void> {
    try {
      await (typeof work === 'function' ? work() : work);
    } catch (error) {
      this.#room.log('ERROR', 'containers', `cannot ${doing}: ${messageOf(error)}`);
    }
  }

  #add(run: Omit<Run, 'tail'>): Run {
    const added: Run = { ...run, tail: Promise.resolve() };
    this.#runs.set(keyOf(run.name, run.number), added);
    return added;
  }

  #find(name: string, number: number): Run | undefined {
    return this.#runs.get(keyOf(name, number));
  }

  /** The end of earlier steps, or of the patience with them: LXC may hang for ever, and the device must come to its end. */
  #endOf(steps: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#room.host.clock.after(releasePatienceMs, resolve);
      void steps.then(() => {
        cancel();
        resolve();
      });
    });
  }

  #queue(run: Run, work: () => Promise<void>): Promise<void> {
    run.tail = run.tail.then(work).catch((error) => {
      this.#room.log('ERROR', 'containers', `internal error with ${run.name}: ${messageOf(error)}`);
    });
    return run.tail;
  }
}

const keyOf = (name: string, number: number) => `${name} ${number}`;
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
