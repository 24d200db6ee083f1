/** The doors of a server on Node. */
import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { connectionOver } from '@pantavisor/ctrl-api/client';
import { createNodeTools } from './node.ts';
import type { ServerHost } from './ports.ts';

/** Creates the host of this process. */
export function createNodeServer(): ServerHost {
  return {
    ...createNodeTools(),
    secret: () => randomBytes(32).toString('hex'),
    listen: (address, port, idle, onConnection) =>
      new Promise((resolve, reject) => {
        const take = (socket: Socket) => onConnection(connectionOver(socket, idle));
        const server = createServer({ noDelay: true }, take);
        server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code ?? error.message)));
        server.listen(port, address, () => {
          const bound = server.address();
          resolve(typeof bound === 'object' && bound ? bound.port : port);
        });
      }),
  };
}
