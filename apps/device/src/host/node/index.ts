import type { Host } from '../ports.ts';
import { Children } from './children.ts';
import { createClock } from './clock.ts';
import { LxcContainers } from './containers.ts';
import { createFiles } from './files.ts';
import { createHashing } from './hashing.ts';
import { createHttp } from './http.ts';
import { createMounts } from './mounts.ts';
import { createNetwork } from './network.ts';
import { createProcesses } from './processes.ts';
import { createSystem } from './system.ts';
import { createText } from './text.ts';

/** Every door of the device, on Node and the Linux kernel. Starts nothing and changes nothing until a port is used. */
export function createNodeHost(): Host {
  const children = new Children();
  const processes = createProcesses(children);
  return {
    files: createFiles(),
    mounts: createMounts(processes),
    containers: new LxcContainers(children),
    processes,
    http: createHttp(),
    clock: createClock(),
    hashing: createHashing(),
    text: createText(),
    network: createNetwork(),
    system: createSystem(children),
  };
}
