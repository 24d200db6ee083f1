/** Every door of the device, on the small host: system calls of one static executable. */
import { Kernel, Loop, startValues } from '@pantavisor/small-host';
import { LxcContainers } from '../lxc/containers.ts';
import type { Host } from '../ports.ts';
import { Children } from './children.ts';
import { createClock } from './clock.ts';
import { reportHeapOnSignal, traceSystemCalls } from './debugging.ts';
import { createFiles } from './files.ts';
import { createHttpClient } from './http/client.ts';
import { createHttp } from './http/server.ts';
import { connectInit } from './init-process.ts';
import { createMounts } from './mounts.ts';
import { createNetwork } from './network.ts';
import { createProcessDoor } from './process-door.ts';
import { createProcesses } from './processes.ts';
import { Signals } from './signals.ts';
import { createSignatures } from './signatures.ts';
import { createStreams } from './streams/index.ts';
import { createSystem } from './system.ts';
import { createHashing, createText } from './text.ts';
import { createWatchdogs } from './watchdog.ts';

/**
 * Creates the host. Nothing happens until a port is used, except what is asked for to find faults: SIGUSR2 reports the heap, and with
 * PANTAVISOR_TRACE=calls in the environment every system call is a line on standard error.
 */
export function createSmallHost(): Host {
  return createSmallMachine().host;
}

/** The host, and containers as a runtime sees them that has just started: what tests of a restart need, since a process has one event loop. */
export function createSmallMachine(): { host: Host; newContainers(): LxcContainers } {
  const kernel = new Kernel(machine);
  const loop = new Loop(kernel);
  const children = new Children(kernel, loop);
  const signals = new Signals(kernel, loop);
  const { argv, environment, executable } = startValues(kernel);
  if (environment.PANTAVISOR_TRACE === 'calls') traceSystemCalls(kernel);
  const init = connectInit(kernel, environment);
  const files = createFiles(kernel);
  const text = createText(kernel);
  const processes = createProcesses(kernel, loop, children, environment);
  const system = createSystem(kernel, signals, children, environment, argv, init !== undefined);
  reportHeapOnSignal(kernel, signals, (line) => system.print('stderr', line));
  const newContainers = () =>
    new LxcContainers({
      files,
      door: createProcessDoor(kernel, loop, children, environment),
      text,
      initProgram: executable,
    });
  const host: Host = {
    files,
    mounts: createMounts(kernel, (path) => files.readText(path)),
    containers: newContainers(),
    processes,
    http: createHttp(kernel, loop),
    httpClient: createHttpClient(kernel, loop, files),
    clock: createClock(machine, loop),
    hashing: createHashing(kernel),
    text,
    signatures: createSignatures(kernel, files),
    network: createNetwork(kernel, async (path) => (await files.status(path)) !== undefined),
    streams: createStreams(kernel, loop, files),
    watchdogs: init?.watchdogs ?? createWatchdogs(kernel),
    system,
    ...(init === undefined ? {} : { init }),
  };
  return { host, newContainers };
}
