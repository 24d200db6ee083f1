/** A listening TCP socket over system calls (ip(7), tcp(7)). */
import { bufferOffset, Channel, type Kernel, type Loop, ready } from '@pantavisor/small-host';
import type { ServerHost } from './ports.ts';
import { createSmallTools, named, type SmallTools } from './small.ts';
import { connectionOf, failure } from './small-transport.ts';

const internet = 2;
const streamKind = 1;
const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;
const socketLevel = 1;
const reuseAddress = 2;
const backlog = 64;
/** Connections taken in one turn, so that a flood does not starve those that are served. */
const acceptedAtOnce = 16;

const secretBytes = 32;

/** Creates the host of this process. */
export function createSmallServer(): Omit<SmallTools, 'host'> & { host: ServerHost } {
  const tools = createSmallTools();
  const { kernel, loop, host } = tools;
  const secret = (): string => {
    kernel.call('getrandom', 0b1, [bufferOffset, secretBytes, 0]);
    return kernel.bytes.slice(bufferOffset, bufferOffset + secretBytes).join('-');
  };
  return { ...tools, host: { ...host, secret, listen: createListen(kernel, loop) } };
}

function createListen(kernel: Kernel, loop: Loop): ServerHost['listen'] {
  return async (address, port, idle, onConnection) =>
    named(() => {
      const listener = kernel.call('socket', 0, [internet, streamKind | closeOnExec | nonBlocking, 0]);
      kernel.view.setInt32(bufferOffset, 1, true);
      kernel.call('setsockopt', 0b01000, [listener, socketLevel, reuseAddress, bufferOffset, 4]);
      // sockaddr_in: family, port in the order of the network, address, padding.
      kernel.bytes.fill(0, bufferOffset, bufferOffset + 16);
      kernel.view.setUint16(bufferOffset, internet, true);
      kernel.view.setUint16(bufferOffset + 2, port);
      kernel.bytes.set(address.split('.').map(Number), bufferOffset + 4);
      kernel.call('bind', 0b010, [listener, bufferOffset, 16], address);
      kernel.call('listen', 0, [listener, backlog]);
      loop.watch(listener, ready.read, () => {
        for (let count = 0; count < acceptedAtOnce; count += 1) {
          const descriptor = kernel.raw('accept4', 0, listener, 0, 0, closeOnExec | nonBlocking);
          if (descriptor < 0) return;
          onConnection(connectionOf(new Channel(kernel, loop, descriptor, (code) => failure(code)), idle));
        }
      });
      return port;
    });
}
