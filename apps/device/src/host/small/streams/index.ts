/** The port `Streams` over system calls. */
import { type Kernel, type Loop, openFlags } from '@pantavisor/small-host';
import { HostError, type Processes } from '../../ports.ts';
import type { Streams } from '../../streams.ts';
import { attempt } from '../failure.ts';
import { SmallFollower, Watches } from './follow.ts';
import { descriptorSource } from './reader.ts';
import { datagrams, listen } from './sockets.ts';

/** Milliseconds for the compression of one file. */
const gzipTimeout = 120_000;

/** Creates the port. Compression is the work of the program `gzip`, of busybox for instance: one process per rotated file. */
export function createStreams(kernel: Kernel, loop: Loop, processes: Pick<Processes, 'run'>): Streams {
  const watches = new Watches(kernel, loop);
  return {
    listen: async (request) => attempt('listen on', request.socketPath, () => listen(kernel, loop, request)),
    datagrams: async (request) => attempt('listen on', request.socketPath, () => datagrams(kernel, loop, request)),
    follow: async (request) => attempt('follow', request.path, () => new SmallFollower(kernel, watches, request)),
    records: async (path) =>
      attempt('open', path, () =>
        descriptorSource(
          kernel,
          loop,
          kernel.open(path, openFlags.readOnly | openFlags.nonBlocking | openFlags.noTerminal),
        ),
      ),
    gzip: async (path) => {
      const { code, stderr } = await processes.run(['gzip', '-f', path], { timeout: gzipTimeout });
      if (code !== 0) throw new HostError('EIO', 'compress', path, `gzip ended with ${code}: ${stderr.trim()}`);
    },
  };
}
