/** Connections to unix sockets over system calls. */
import { type Connection, connectPauses, type Transport, TransportFailure } from '@pantavisor/ctrl-api/portable';
import { bufferOffset, Channel, errnoName, type Kernel, type Loop } from '@pantavisor/small-host';

const unix = 1;
const streamKind = 1;
const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;
/** sun_path holds 108 bytes with the final zero (unix(7)). */
const longestPath = 107;

export const failure = (code: string): TransportFailure => new TransportFailure(code, code);

/** Creates the transport. */
export function createTransport(kernel: Kernel, loop: Loop): Transport {
  return {
    async connect(path, idle) {
      for (const pause of connectPauses) {
        const channel = tryConnect(kernel, loop, path);
        if (channel) return connectionOf(channel, idle);
        await new Promise<void>((resolve) => {
          loop.after(pause, resolve);
        });
      }
      throw failure('EAGAIN');
    },
    encode: (text) => kernel.encode(text),
    decode: (bytes) => kernel.decode(bytes),
  };
}

/** Undefined while the queue of the server is full. */
function tryConnect(kernel: Kernel, loop: Loop, path: string): Channel | undefined {
  const name = kernel.encode(path);
  if (name.length > longestPath || name.length === 0) throw failure('ENAMETOOLONG');
  const descriptor = kernel.raw('socket', 0, unix, streamKind | closeOnExec | nonBlocking, 0);
  if (descriptor < 0) throw failure(errnoName(descriptor));
  kernel.view.setUint16(bufferOffset, unix, true);
  kernel.bytes.set(name, bufferOffset + 2);
  kernel.bytes[bufferOffset + 2 + name.length] = 0;
  const result = kernel.raw('connect', 0b010, descriptor, bufferOffset, 3 + name.length);
  if (result === 0) return new Channel(kernel, loop, descriptor, (code) => failure(code));
  kernel.close(descriptor);
  if (errnoName(result) === 'EAGAIN') return undefined;
  throw failure(errnoName(result));
}

/** A connected socket as the port has it. */
export function connectionOf(channel: Channel, idle: number): Connection {
  return {
    read: () => channel.read(idle),
    write: (bytes) => channel.write(bytes, idle),
    close: () => channel.close(),
  };
}
