/** The port `Streams` over system calls. */
import { type Kernel, type Loop, openFlags } from '@pantavisor/small-host';
import type { Files } from '../../ports.ts';
import type { Streams } from '../../streams.ts';
import { attempt } from '../failure.ts';
import { SmallFollower, Watches } from './follow.ts';
import { createCompressor } from './gzip.ts';
import { descriptorSource } from './reader.ts';
import { datagrams, listen } from './sockets.ts';

/** Creates the port. */
export function createStreams(kernel: Kernel, loop: Loop, files: Files): Streams {
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
    gzip: createCompressor(kernel, loop, files),
  };
}
