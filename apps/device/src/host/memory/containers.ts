/** The port `ContainerRuntime` on the simulated machine: LXC played by scripts. */
import { type ContainerExit, type ContainerRuntime, HostError, type Peer, type RunningContainer } from '../ports.ts';
import type { ContainerBehaviour, ContainerStart, MemoryContainer } from './container-script.ts';
import type { Gate } from './gate.ts';
import type { Machine } from './machine.ts';
import { decodeUtf8 } from './utf8.ts';

const defaults = { startTakes: 10, stopTakes: 5, haltSignal: 'SIGPWR', memory: 1024 * 1024 };
/** LXC's monitor cleans up and goes this long after init. */
const monitorLingers = 1;

/** Control groups of init and of the monitor, from the configuration as lxc.container.conf(5) says. */
function controlGroups(name: string, config: string): { payload: string; all: string[] } {
  const value = (key: string) => new RegExp(`^\\s*lxc\\.cgroup\\.dir${key}\\s*=\\s*(\\S+)`, 'm').exec(config)?.[1];
  const base = value('');
  const below = base === undefined ? '' : `${base}/`;
  const payload = value('\\.container') ?? `${below}lxc.payload.${name}`;
  const monitor = value('\\.monitor') ?? `${below}lxc.monitor.${name}`;
  return { payload, all: [payload, monitor] };
}

/**
 * @param post sends a request to a control socket on behalf of a process of a container
 */
export function memoryContainers(
  machine: Machine,
  gate: Gate,
  post: (socketPath: string, peer: Peer, target: string, body: string) => void,
): ContainerRuntime {
  const { timeline } = machine;
  const lxcError = (name: string, detail: string) => new HostError('LXC', 'start container', name, detail);
  const wait = (ms: number) => new Promise<void>((resolve) => timeline.after(ms, resolve));

  /** Looks one up that may have ended; undefined when it has gone for good. */
  const running = (container: RunningContainer): MemoryContainer | undefined => {
    const known = machine.findContainer(container);
    return known?.exit === undefined ? known : undefined;
  };

  function readConfig(name: string, path: string): string {
    try {
      return decodeUtf8(machine.names.find(path, 'read').inode.content);
    } catch (error) {
      const reason = error instanceof HostError ? error.code : String(error);
      throw lxcError(name, `Failed to load config file ${path}: ${reason}`);
    }
  }

  function begin(start: ContainerStart, lxcPath: string, behaviour: ContainerBehaviour): MemoryContainer {
    const initPid = machine.newPid();
    const monitorPid = machine.newPid();
    const groups = controlGroups(start.name, start.config);
    let settle: (exit: ContainerExit) => void = () => {};
    const exited = new Promise<ContainerExit>((resolve) => {
      settle = resolve;
    });
    const container: MemoryContainer = {
      name: start.name,
      initPid,
      monitorPid,
      lxcPath,
      controlGroups: groups.all,
      behaviour,
      exit: undefined,
      exited,
      end(exit) {
        if (container.exit !== undefined) return;
        container.exit = exit;
        machine.processes.delete(initPid);
        machine.removeProcFiles(initPid);
        timeline.after(monitorLingers, () => {
          machine.processes.delete(monitorPid);
          machine.containers.delete(initPid);
          if (!behaviour.leavesControlGroups) for (const group of groups.all) machine.controlGroups.delete(group);
          settle(exit);
        });
      },
    };
    machine.containers.set(initPid, container);
    for (const group of groups.all) machine.controlGroups.add(group);
    machine.writeProcFile(initPid, 'cgroup', `1:name=pantavisor:/${groups.payload}\n0::/${groups.payload}\n`);
    if (behaviour.endsAfter !== undefined)
      timeline.after(behaviour.endsAfter, () => container.end(behaviour.exit ?? { kind: 'code', code: 0 }));
    const { ready } = behaviour;
    if (ready !== undefined)
      timeline.after(ready.after, () => {
        if (container.exit === undefined)
          post(ready.socketPath, { pid: initPid, uid: 0, gid: 0 }, '/signal', '{"type":"ready","payload":""}');
      });
    return container;
  }

  return {
    start: ({ name, lxcPath, configFile, environment }) =>
      gate(async () => {
        if (name === '' || name.includes('/')) throw lxcError(name, `Invalid container name "${name}"`);
        const config = readConfig(name, configFile);
        const taken = Array.from(machine.containers.values()).some(
          (other) => other.name === name && other.lxcPath === lxcPath,
        );
        if (taken) throw lxcError(name, 'Container is already running');
        const run = (machine.starts.get(name) ?? 0) + 1;
        machine.starts.set(name, run);
        const start: ContainerStart = { name, run, configFile, config, environment };
        const script = machine.scripts.get(name) ?? {};
        const behaviour = typeof script === 'function' ? script(start) : script;
        await wait(behaviour.startTakes ?? defaults.startTakes);
        if (behaviour.fails !== undefined) throw lxcError(name, behaviour.fails);
        const { initPid, monitorPid } = begin(start, lxcPath, behaviour);
        return { name, initPid, monitorPid };
      }),
    find: (name, lxcPath) =>
      gate(() => {
        for (const container of machine.containers.values())
          if (container.name === name && container.lxcPath === lxcPath && container.exit === undefined)
            return { name, initPid: container.initPid, monitorPid: container.monitorPid };
        return undefined;
      }),
    exited: (container) =>
      gate(() => machine.findContainer(container)?.exited ?? Promise.resolve<ContainerExit>({ kind: 'unknown' })),
    signal: (container, signal) =>
      gate(() => {
        const target = running(container);
        if (target === undefined) return;
        if (signal === 'SIGKILL') target.end({ kind: 'signal', signal });
        const { haltSignal, ignoresHalt, stopTakes } = target.behaviour;
        if (signal === (haltSignal ?? defaults.haltSignal) && !ignoresHalt)
          timeline.after(stopTakes ?? defaults.stopTakes, () => target.end({ kind: 'code', code: 0 }));
      }),
    haltSignal: (container) =>
      gate(() => machine.findContainer(container)?.behaviour.haltSignal ?? defaults.haltSignal),
    kill: (container) => gate(() => running(container)?.end({ kind: 'signal', signal: 'SIGKILL' })),
    removeControlGroups: (group) =>
      gate(() => {
        const inUse = new Set(Array.from(machine.containers.values()).flatMap((container) => container.controlGroups));
        for (const other of machine.controlGroups)
          if ((other === group || other.startsWith(`${group}/`)) && !inUse.has(other))
            machine.controlGroups.delete(other);
      }),
    memory: (container) =>
      gate(() => {
        const target = running(container);
        return target && (target.behaviour.memory ?? defaults.memory);
      }),
  };
}
