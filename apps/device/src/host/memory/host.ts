/**
 * A simulated machine with one runtime on it, in plain ECMAScript: every port, virtual time, and a disk that knows what is durable.
 * The runtime may be killed and started again while containers go on; the power may go at any change of the disk.
 */
import type { HttpClient } from '../http-client.ts';
import type { Hashing, Host, ProcessSignal } from '../ports.ts';
import { memoryContainers } from './containers.ts';
import { memoryFiles } from './files.ts';
import { createGate } from './gate.ts';
import { type MemoryRequest, type MemoryResponse, memoryHttp, sendMemoryRequest } from './http-server.ts';
import { Machine, type MachineOptions } from './machine.ts';
import { memoryMounts } from './mounts.ts';
import { memoryNetwork } from './network.ts';
import { memoryProcesses } from './processes.ts';
import { type Choose, seededChoice } from './random.ts';
import { sha256Hex } from './sha256.ts';
import { type MemoryStreams, memoryStreams } from './streams.ts';
import { memorySystem, type RuntimeRecord } from './system.ts';
import { runtimeClock, Timeline } from './timeline.ts';
import { encodeUtf8, memoryTextCoding } from './utf8.ts';
import { memoryWatchdogs } from './watchdog.ts';

export interface MemoryHostOptions extends Partial<MachineOptions> {
  environment?: Record<string, string>;
  arguments?: string[];
  /** For `randomHex`; default 1. */
  seed?: number;
  /** Servers elsewhere; default: the machine has no way to call out. */
  httpClient?: HttpClient;
  /**
   * Waits until no promise can go on by itself. The default counts turns of the promise queue without a call of any port, which a
   * very long chain of pure promises may outlast; with Node pass `() => new Promise((done) => setImmediate(done))`.
   */
  drain?: () => Promise<void>;
}

export interface MemoryHost extends Host {
  readonly machine: Machine;
  readonly record: RuntimeRecord;
  readonly streams: MemoryStreams;
  /** Sends a signal to the runtime. */
  sendSignal(signal: ProcessSignal): void;
  /** Sends a request to a unix socket that the runtime serves; undefined: closed without an answer. */
  request(socketPath: string, request: MemoryRequest): Promise<MemoryResponse | undefined>;
  /** Waits until every promise that can go on has done so, without letting time pass. */
  settle(): Promise<void>;
  /** Lets `ms` pass, firing timers in order and settling after each. */
  advance(ms: number): Promise<void>;
  /** Fires timers until none is left, or time `limit` (default one hour) has passed. True when none is left. */
  runUntilIdle(limit?: number): Promise<boolean>;
  /** Fires timers until `done` says so. Fails after `limit` ms of virtual time (default one hour). */
  runUntil(done: () => boolean | Promise<boolean>, limit?: number): Promise<void>;
  /** Runs until the promise is settled and hands out its result. */
  runFor<T>(promise: Promise<T>, limit?: number): Promise<T>;
  /** kill -9 of the runtime: its calls never return, its timers and servers are gone. Containers, mounts and files stay. */
  killRuntime(): void;
  /** A new runtime on the same machine; kills the old one first. */
  restartRuntime(options?: Pick<MemoryHostOptions, 'environment' | 'arguments'>): MemoryHost;
  /**
   * The power goes now, and comes back: a new machine and runtime with the disk as one legal outcome of what was not durable.
   * The old machine is not changed by asking, so that many outcomes can be had from one moment; it goes on unless it was cut.
   */
  crash(outcome?: { seed?: number; choose?: Choose }): MemoryHost;
  /** The `n`-th change of a persistent file from now on is the last; later calls never return. See `machine.powerLost`. */
  cutAfter(n: number): void;
}

const defaults: MachineOptions = {
  capacity: 1024 * 1024 * 1024,
  filesystem: 'ext4',
  volatile: ['/proc', '/run', '/sys', '/tmp'],
  wall: 1_767_225_600_000,
  programs: {},
  containers: {},
  sha256: sha256Hex,
  timeline: (wall) => new Timeline(wall),
};
const hour = 3_600_000;
const quietTurns = 200;

/** A new machine that was just switched on, with a runtime on it. */
export function createMemoryHost(options: MemoryHostOptions = {}): MemoryHost {
  const machineOptions: MachineOptions = {
    capacity: options.capacity ?? defaults.capacity,
    filesystem: options.filesystem ?? defaults.filesystem,
    volatile: options.volatile ?? defaults.volatile,
    wall: options.wall ?? defaults.wall,
    programs: options.programs ?? defaults.programs,
    containers: options.containers ?? defaults.containers,
    sha256: options.sha256 ?? defaults.sha256,
    timeline: options.timeline ?? defaults.timeline,
  };
  return startRuntime(new Machine(machineOptions), options);
}

function startRuntime(machine: Machine, options: MemoryHostOptions): MemoryHost {
  const pid = machine.newPid();
  // Process 1 and the runtime are in the root of the control groups.
  for (const own of [1, pid]) machine.writeProcFile(own, 'cgroup', '0::/\n');
  const record: RuntimeRecord = { printed: [], exitCode: undefined, signals: new Map() };
  let killed = false;
  let calls = 0;
  const alive = () => !killed && !machine.isOff;
  const innerGate = createGate(alive);
  const gate: typeof innerGate = (act) => {
    calls += 1;
    return innerGate(act);
  };

  const kill = () => {
    if (killed) return;
    killed = true;
    machine.processes.delete(pid);
    for (const [inode, holder] of machine.locks) if (holder === pid) machine.locks.delete(inode);
    for (const [path, server] of machine.servers) if (server.files === files) machine.servers.delete(path);
  };

  const files = memoryFiles(machine, gate, pid);
  const post = (socketPath: string, peer: { pid: number; uid: number; gid: number }, target: string, body: string) => {
    // A container that finds nobody to talk to does what its script says next.
    sendMemoryRequest(machine, socketPath, { method: 'POST', target, body, peer }).catch(() => undefined);
  };
  const hashing: Hashing = {
    sha256: (data) => machine.options.sha256(typeof data === 'string' ? encodeUtf8(data) : data),
  };

  async function countTurns(): Promise<void> {
    for (let quiet = 0, seen = calls; quiet < quietTurns; quiet += 1) {
      await undefined;
      if (calls === seen) continue;
      seen = calls;
      quiet = 0;
    }
  }
  const settle = options.drain ?? countTurns;

  async function fireUntil(limit: number, done: () => boolean | Promise<boolean>): Promise<boolean> {
    const end = machine.timeline.monotonic() + limit;
    await settle();
    while (!(await done())) {
      if (!machine.timeline.fireNext(end)) return false;
      await settle();
    }
    return true;
  }

  const host: MemoryHost = {
    files,
    mounts: memoryMounts(machine, gate),
    containers: memoryContainers(machine, gate, post),
    processes: memoryProcesses(machine, gate),
    http: memoryHttp(machine, gate, files),
    clock: runtimeClock(machine.timeline, alive),
    hashing,
    text: memoryTextCoding(),
    network: memoryNetwork(machine, gate),
    ...(options.httpClient === undefined ? {} : { httpClient: options.httpClient }),
    // Nothing looks into an archive here: it keeps its content.
    streams: memoryStreams(machine, gate, (path) => files.rename(path, `${path}.gz`)),
    watchdogs: memoryWatchdogs(machine, gate),
    system: memorySystem({
      machine,
      gate,
      pid,
      environment: options.environment ?? {},
      arguments: options.arguments ?? [],
      record,
      // After a power cut pids begin again, but nothing random may come twice.
      choose: seededChoice((options.seed ?? 1) + pid + machine.powerCuts * 1_000_003),
      end: kill,
    }),
    machine,
    record,
    settle,
    sendSignal: (signal) => {
      if (alive()) for (const callback of record.signals.get(signal) ?? []) callback();
    },
    request: (socketPath, request) => sendMemoryRequest(machine, socketPath, request),
    advance: async (ms) => {
      const end = machine.timeline.monotonic() + ms;
      await fireUntil(ms, () => false);
      machine.timeline.passTo(end);
    },
    runUntilIdle: async (limit = hour) => {
      await fireUntil(limit, () => false);
      return machine.timeline.next() === undefined;
    },
    runUntil: async (done, limit = hour) => {
      if (!(await fireUntil(limit, done))) throw new Error(`cannot reach the awaited state within ${limit} ms`);
    },
    runFor: async (promise, limit = hour) => {
      let settled = false;
      const mark = () => {
        settled = true;
      };
      promise.then(mark, mark);
      if (!(await fireUntil(limit, () => settled))) throw new Error(`cannot get a result within ${limit} ms`);
      return promise;
    },
    killRuntime: kill,
    restartRuntime: (again = {}) => {
      kill();
      return startRuntime(machine, { ...options, ...again });
    },
    crash: ({ seed = 1, choose = seededChoice(seed) } = {}) => startRuntime(machine.afterPowerCut(choose), options),
    cutAfter: (n) => machine.cutAfter(n),
  };
  return host;
}
