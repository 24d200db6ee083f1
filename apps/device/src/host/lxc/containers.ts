/** LXC containers of this machine, each with its monitor process (lxc-start(1)), over files and processes of any host. */
import {
  type ContainerExit,
  type ContainerRuntime,
  type Files,
  HostError,
  type RunningContainer,
  type TextCoding,
} from '../ports.ts';
import { ControlGroups } from './control-groups.ts';
import { containerFolder, findLxcStart, runLxcStart, type StartRequest } from './launch.ts';
import { MonitorPipe } from './monitor-pipe.ts';
import { blocksSignal, hasOwnPidNamespace, initOf, isMonitorOf } from './proc.ts';
import type { ProcessDoor, ProcessHandle } from './process-door.ts';

/** SIGRTMIN+3 tells systemd to halt; LXC's own rule for whom to send it. */
const systemdHalt = 'SIGRTMIN+3';
const usualPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/** How long a monitor that was found without an init may still be on its way to starting one, and how often we look. */
const initPatience = { attempts: 100, pause: 50 };

interface Tracked {
  container: RunningContainer;
  lxcPath: string;
  /** Absent when it had ended before it could be opened. */
  monitor: ProcessHandle | undefined;
  init: ProcessHandle | undefined;
  /** Control groups of the container's processes, without those that the runtime itself is in. */
  groups: string[];
  ended: boolean;
  exit: Promise<ContainerExit>;
}

export interface LxcOptions {
  files: Files;
  door: ProcessDoor;
  text: TextCoding;
  /** Static program that inits are started through. */
  initProgram?: string;
}

export class LxcContainers implements ContainerRuntime {
  readonly initProgram?: string;
  readonly #files: Files;
  readonly #door: ProcessDoor;
  readonly #text: TextCoding;
  readonly #groups: ControlGroups;
  /** By the monitor's number, from start or find until the container of this name starts anew. */
  readonly #tracked = new Map<number, Tracked>();
  readonly #pipes = new Map<string, MonitorPipe>();
  /** Looked for once, however many containers start at a time. */
  #program: Promise<string> | undefined;

  constructor(options: LxcOptions) {
    this.#files = options.files;
    this.#door = options.door;
    this.#text = options.text;
    this.#groups = new ControlGroups(options.files, (ms) => options.door.pause(ms));
    if (options.initProgram !== undefined) this.initProgram = options.initProgram;
  }

  #pipeOf(lxcPath: string): MonitorPipe {
    let pipe = this.#pipes.get(lxcPath);
    if (!pipe) {
      pipe = new MonitorPipe(this.#files, this.#door, this.#text, lxcPath);
      this.#pipes.set(lxcPath, pipe);
    }
    return pipe;
  }

  #findProgram(): Promise<string> {
    this.#program ??= findLxcStart(this.#files, this.#door.environment.PATH ?? usualPath).catch((error) => {
      // It may be installed before the next start.
      this.#program = undefined;
      throw error;
    });
    return this.#program;
  }

  async start(request: StartRequest): Promise<RunningContainer> {
    const { name, lxcPath } = request;
    if (await this.find(name, lxcPath)) throw new HostError('LXC', 'start container', name, 'it already runs');
    const release = this.#door.hold();
    const pipe = this.#pipeOf(lxcPath);
    await pipe.acquire();
    try {
      const program = await this.#findProgram();
      pipe.take(name);
      const monitorPid = await runLxcStart(
        { files: this.#files, door: this.#door, text: this.#text },
        program,
        request,
      );
      const tracked = await this.#track(name, lxcPath, monitorPid, (await initOf(this.#files, monitorPid)) ?? 0);
      await pipe.drain();
      return tracked.container;
    } catch (error) {
      await pipe.release();
      throw error;
    } finally {
      release();
    }
  }

  async find(name: string, lxcPath: string): Promise<RunningContainer | undefined> {
    for (const { container, lxcPath: path, ended } of this.#tracked.values())
      if (!ended && container.name === name && path === lxcPath) return container;
    const text = await this.#files.readText(`${containerFolder(name, lxcPath)}/monitor.pid`).catch((error) => {
      if (error instanceof HostError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return '';
      throw error;
    });
    const monitorPid = Number(text.trim());
    if (!Number.isInteger(monitorPid) || monitorPid < 1) return undefined;
    const initPid = await this.#initOfFound(monitorPid, name, lxcPath);
    if (initPid === undefined) return undefined;
    await this.#pipeOf(lxcPath).acquire();
    return (await this.#track(name, lxcPath, monitorPid, initPid)).container;
  }

  /** The monitor of a start that the last runtime did not live to see may have no init yet. */
  async #initOfFound(monitorPid: number, name: string, lxcPath: string): Promise<number | undefined> {
    for (let attempt = 0; attempt < initPatience.attempts; attempt += 1) {
      if (!(await isMonitorOf(this.#files, monitorPid, name, lxcPath))) return undefined;
      const init = await initOf(this.#files, monitorPid);
      if (init !== undefined) return init;
      await this.#door.pause(initPatience.pause);
    }
    return undefined;
  }

  async #track(name: string, lxcPath: string, monitorPid: number, initPid: number): Promise<Tracked> {
    for (const [pid, old] of this.#tracked)
      if (old.container.name === name && old.lxcPath === lxcPath) this.#tracked.delete(pid);
    this.#door.keep(monitorPid);
    const monitor = this.#door.open(monitorPid);
    let init = initPid === 0 ? undefined : this.#door.open(initPid);
    // Still the monitor's child now: then it is the process that was opened, not a later one with its number.
    if (init && (await initOf(this.#files, monitorPid)) !== initPid) {
      this.#door.close(init);
      init = undefined;
    }
    const own = new Set(await this.#groups.of('self'));
    const tracked: Tracked = {
      container: { name, initPid, monitorPid },
      lxcPath,
      monitor,
      init,
      groups: init ? (await this.#groups.of(initPid)).filter((group) => !own.has(group)) : [],
      ended: false,
      exit: Promise.resolve({ kind: 'unknown' }),
    };
    tracked.exit = this.#awaitExit(tracked);
    // A failure reaches those who call `exited`; without a caller it must not end the process.
    tracked.exit.catch(() => undefined);
    this.#tracked.set(monitorPid, tracked);
    return tracked;
  }

  async #awaitExit(tracked: Tracked): Promise<ContainerExit> {
    const { container, lxcPath, init, monitor } = tracked;
    const pipe = this.#pipeOf(lxcPath);
    try {
      if (init) await this.#door.ended(init);
      if (monitor) await this.#door.ended(monitor);
      tracked.ended = true;
      if (monitor) this.#door.reap(monitor);
      const known = init && this.#door.exitOf(init);
      await pipe.drain();
      const reported = pipe.take(container.name);
      return known ?? reported ?? { kind: 'unknown' };
    } finally {
      tracked.ended = true;
      this.#door.forget(container.monitorPid);
      for (const handle of [init, monitor]) if (handle) this.#door.close(handle);
      await pipe.release();
    }
  }

  #running(container: RunningContainer): Tracked | undefined {
    const tracked = this.#tracked.get(container.monitorPid);
    return tracked && !tracked.ended && tracked.container.name === container.name ? tracked : undefined;
  }

  async exited(container: RunningContainer): Promise<ContainerExit> {
    const tracked = this.#tracked.get(container.monitorPid);
    return tracked?.container.name === container.name ? tracked.exit : { kind: 'unknown' };
  }

  async signal(container: RunningContainer, signal: string): Promise<void> {
    const init = this.#running(container)?.init;
    if (init) this.#door.signal(init, signal);
  }

  async haltSignal(container: RunningContainer): Promise<string> {
    const number = this.#door.signalNumber(systemdHalt);
    return this.#running(container) && (await blocksSignal(this.#files, container.initPid, number))
      ? systemdHalt
      : 'SIGPWR';
  }

  async kill(container: RunningContainer): Promise<void> {
    const tracked = this.#running(container);
    if (!tracked?.init) return;
    const alone = await hasOwnPidNamespace(this.#files, container.initPid);
    if (tracked.ended) return;
    this.#door.signal(tracked.init, 'SIGKILL');
    if (alone) return;
    // Without a pid namespace of its own, its processes are only known by their control groups.
    for (const pid of await this.#groups.processesOf(tracked.groups)) {
      const handle = this.#door.open(pid);
      if (!handle) continue;
      if ((await this.#groups.processesOf(tracked.groups)).has(pid)) this.#door.signal(handle, 'SIGKILL');
      this.#door.close(handle);
    }
  }

  async removeControlGroups(group: string): Promise<void> {
    await this.#groups.remove(group);
  }

  async memory(container: RunningContainer): Promise<number | undefined> {
    const tracked = this.#running(container);
    return tracked && this.#groups.memoryOf(tracked.groups);
  }
}
