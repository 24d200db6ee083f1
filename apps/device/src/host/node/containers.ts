import { closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import {
  containerInitPath,
  openProcess,
  type ProcessExit,
  processInfo,
  reapProcess,
  signalNumber,
  signalProcess,
  waitReadable,
} from '@pantavisor/linux';
import { type ContainerExit, type ContainerRuntime, HostError, type RunningContainer } from '../ports.ts';
import type { Children } from './children.ts';
import { ControlGroups } from './control-groups.ts';
import { guarded, hasCode } from './errors.ts';
import { blocksSignal, hasOwnPidNamespace, initOf, isMonitorOf } from './lxc-process.ts';
import { containerFolder, findLxcStart, lxcStart, type StartRequest } from './lxc-start.ts';
import { MonitorFifo } from './monitor-fifo.ts';

/** SIGRTMIN+3 tells systemd to halt; LXC's own rule for whom to send it. */
const systemdHalt = 'SIGRTMIN+3';

/** How long a monitor that was found without an init may still be on its way to starting one, and how often we look. */
const initPatience = { attempts: 100, pause: 50 };

interface Tracked {
  container: RunningContainer;
  lxcPath: string;
  /** Descriptors of the processes; -1 when it had ended before it could be opened. */
  monitor: number;
  init: number;
  /** Control groups of the container's processes, without those that the runtime itself is in. */
  groups: string[];
  ended: boolean;
  exit: Promise<ContainerExit>;
}

function tryOpenProcess(pid: number): number {
  try {
    return openProcess(pid);
  } catch (error) {
    if (hasCode(error, 'ESRCH', 'EINVAL')) return -1;
    throw error;
  }
}

function descriptorExit(descriptor: number): ProcessExit | undefined {
  return processInfo(descriptor)?.exit;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return '';
    throw error;
  }
}

/** LXC containers of this machine, each with its monitor process (lxc-start(1)). */
export class LxcContainers implements ContainerRuntime {
  readonly initProgram = containerInitPath();
  readonly #children: Children;
  readonly #exitOf: (descriptor: number) => ProcessExit | undefined;
  readonly #groups = new ControlGroups();
  /** By the monitor's number, from start or find until the container of this name starts anew. */
  readonly #tracked = new Map<number, Tracked>();
  readonly #fifos = new Map<string, MonitorFifo>();
  #program: string | undefined;

  /**
   * @param exitOf asks the kernel how an opened process has ended; it can tell since Linux 6.15
   */
  constructor(children: Children, exitOf: (descriptor: number) => ProcessExit | undefined = descriptorExit) {
    this.#children = children;
    this.#exitOf = exitOf;
  }

  #fifoOf(lxcPath: string): MonitorFifo {
    let fifo = this.#fifos.get(lxcPath);
    if (!fifo) {
      fifo = new MonitorFifo(lxcPath);
      this.#fifos.set(lxcPath, fifo);
    }
    return fifo;
  }

  async #findProgram(): Promise<string> {
    this.#program ??= await findLxcStart(process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin');
    return this.#program;
  }

  async start(request: StartRequest): Promise<RunningContainer> {
    return guarded('start container', request.name, async () => {
      const { name, lxcPath } = request;
      if (await this.find(name, lxcPath)) throw new HostError('LXC', 'start container', name, 'it already runs');
      const release = this.#children.hold();
      const fifo = this.#fifoOf(lxcPath);
      try {
        const [program] = await Promise.all([this.#findProgram(), fifo.acquire()]);
        fifo.take(name);
        const monitorPid = await lxcStart(program, request, this.#children);
        const tracked = this.#track(name, lxcPath, monitorPid, initOf(monitorPid) ?? 0);
        await fifo.drain();
        return tracked.container;
      } catch (error) {
        await fifo.release();
        throw error;
      } finally {
        release();
      }
    });
  }

  async find(name: string, lxcPath: string): Promise<RunningContainer | undefined> {
    return guarded('find container', name, async () => {
      for (const { container, lxcPath: path, ended } of this.#tracked.values())
        if (!ended && container.name === name && path === lxcPath) return container;
      const monitorPid = Number(await readIfThere(`${containerFolder(name, lxcPath)}/monitor.pid`));
      if (!Number.isInteger(monitorPid) || monitorPid < 1) return undefined;
      const initPid = await this.#initOfFound(monitorPid, name, lxcPath);
      if (initPid === undefined) return undefined;
      await this.#fifoOf(lxcPath).acquire();
      const tracked = this.#track(name, lxcPath, monitorPid, initPid);
      return tracked.container;
    });
  }

  /** The monitor of a start that the last runtime did not live to see may have no init yet. */
  async #initOfFound(monitorPid: number, name: string, lxcPath: string): Promise<number | undefined> {
    for (let attempt = 0; attempt < initPatience.attempts; attempt += 1) {
      if (!isMonitorOf(monitorPid, name, lxcPath)) return undefined;
      const init = initOf(monitorPid);
      if (init !== undefined) return init;
      await pause(initPatience.pause);
    }
    return undefined;
  }

  #track(name: string, lxcPath: string, monitorPid: number, initPid: number): Tracked {
    for (const [pid, old] of this.#tracked)
      if (old.container.name === name && old.lxcPath === lxcPath) this.#tracked.delete(pid);
    this.#children.add(monitorPid);
    const monitor = tryOpenProcess(monitorPid);
    let init = initPid === 0 ? -1 : tryOpenProcess(initPid);
    // Still the monitor's child now: then it is the process that was opened, not a later one with its number.
    if (init >= 0 && initOf(monitorPid) !== initPid) {
      closeSync(init);
      init = -1;
    }
    const own = new Set(this.#groups.of('self'));
    const container = { name, initPid, monitorPid };
    const tracked: Tracked = {
      container,
      lxcPath,
      monitor,
      init,
      groups: init < 0 ? [] : this.#groups.of(initPid).filter((group) => !own.has(group)),
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
    const fifo = this.#fifoOf(lxcPath);
    try {
      if (init >= 0) await waitReadable(init);
      if (monitor >= 0) await waitReadable(monitor);
      tracked.ended = true;
      if (monitor >= 0) reapProcess(monitor);
      const known = init >= 0 ? this.#exitOf(init) : undefined;
      await fifo.drain();
      const reported = fifo.take(container.name);
      if (known) return 'code' in known ? { kind: 'code', ...known } : { kind: 'signal', ...known };
      return reported ?? { kind: 'unknown' };
    } finally {
      tracked.ended = true;
      this.#children.remove(container.monitorPid);
      for (const descriptor of [init, monitor]) if (descriptor >= 0) closeSync(descriptor);
      await fifo.release();
    }
  }

  #running(container: RunningContainer): Tracked | undefined {
    const tracked = this.#tracked.get(container.monitorPid);
    return tracked && !tracked.ended && tracked.container.name === container.name ? tracked : undefined;
  }

  async exited(container: RunningContainer): Promise<ContainerExit> {
    return guarded('wait for container', container.name, async () => {
      const tracked = this.#tracked.get(container.monitorPid);
      return tracked?.container.name === container.name ? tracked.exit : { kind: 'unknown' };
    });
  }

  async signal(container: RunningContainer, signal: string): Promise<void> {
    await guarded(`send ${signal} to container`, container.name, async () => {
      const init = this.#running(container)?.init ?? -1;
      if (init >= 0) signalProcess(init, signal);
    });
  }

  async haltSignal(container: RunningContainer): Promise<string> {
    return guarded('look at container', container.name, async () =>
      this.#running(container) && blocksSignal(container.initPid, signalNumber(systemdHalt)) ? systemdHalt : 'SIGPWR',
    );
  }

  async kill(container: RunningContainer): Promise<void> {
    await guarded('kill container', container.name, async () => {
      const tracked = this.#running(container);
      if (!tracked || tracked.init < 0) return;
      const alone = hasOwnPidNamespace(container.initPid);
      signalProcess(tracked.init, 'SIGKILL');
      if (alone) return;
      // Without a pid namespace of its own, its processes are only known by their control groups.
      for (const pid of this.#groups.processesOf(tracked.groups)) {
        const descriptor = tryOpenProcess(pid);
        if (descriptor < 0) continue;
        if (this.#groups.processesOf(tracked.groups).has(pid)) signalProcess(descriptor, 'SIGKILL');
        closeSync(descriptor);
      }
    });
  }

  async removeControlGroups(group: string): Promise<void> {
    await guarded('remove control group', group, () => this.#groups.remove(group));
  }

  async memory(container: RunningContainer): Promise<number | undefined> {
    return guarded('measure container', container.name, async () => {
      const tracked = this.#running(container);
      return tracked && this.#groups.memoryOf(tracked.groups);
    });
  }
}
