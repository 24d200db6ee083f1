import { containerInitPath } from '@pantavisor/linux';
import { LxcContainers } from '../lxc/containers.ts';
import type { Host } from '../ports.ts';
import { Children } from './children.ts';
import { createClock } from './clock.ts';
import { createFiles } from './files.ts';
import { createHashing } from './hashing.ts';
import { createHttp } from './http.ts';
import { createHttpClient } from './http-client.ts';
import { createMounts } from './mounts.ts';
import { createNetwork } from './network.ts';
import { createProcessDoor } from './process-door.ts';
import { createProcesses } from './processes.ts';
import { createSignatures } from './signatures.ts';
import { createStreams } from './streams.ts';
import { createSystem } from './system.ts';
import { createText } from './text.ts';
import { createWatchdogs } from './watchdog.ts';

/**
 * Every door of the device, on Node and the Linux kernel. Starts nothing and changes nothing until a port is used.
 * @param mesh command that starts the service mesh
 */
export function createNodeHost({ mesh }: { mesh?: string[] } = {}): Host {
  const children = new Children();
  const processes = createProcesses(children);
  const files = createFiles();
  const text = createText();
  return {
    files,
    mounts: createMounts(processes),
    containers: new LxcContainers({
      files,
      door: createProcessDoor(children),
      text,
      initProgram: containerInitPath(),
    }),
    processes,
    http: createHttp(),
    httpClient: createHttpClient(),
    clock: createClock(),
    hashing: createHashing(),
    text,
    signatures: createSignatures(),
    network: createNetwork(),
    streams: createStreams(),
    watchdogs: createWatchdogs(),
    system: createSystem(children, mesh),
  };
}
