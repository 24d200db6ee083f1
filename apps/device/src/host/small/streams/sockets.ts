/** Unix sockets that messages come in by: connections and datagrams. */
import { bufferOffset, type Kernel, type Loop, ready } from '@pantavisor/small-host';
import { HostError, type Peer } from '../../ports.ts';
import type { Listener, Streams } from '../../streams.ts';
import { makeNonBlocking } from '../pipes.ts';
import { descriptorSource, type Piece, Reader } from './reader.ts';
import { type Received, receive } from './receive.ts';

/** sun_path holds 108 bytes with the final zero (unix(7)). */
const longestSocketPath = 107;
const kinds = { stream: 1, datagram: 2 } as const;
const unix = 1;
const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;
const socketLevel = 1;
const peerCredentials = 17;
const backlog = 128;

function bindSocket(kernel: Kernel, socketPath: string, mode: number, kind: keyof typeof kinds): number {
  const path = kernel.encode(socketPath);
  if (path.length > longestSocketPath) {
    const detail = `a socket path has at most ${longestSocketPath} bytes, this one has ${path.length}`;
    throw new HostError('ENAMETOOLONG', 'listen on', socketPath, detail);
  }
  remove(kernel, socketPath);
  const socket = kernel.call('socket', 0, [unix, kinds[kind] | closeOnExec | nonBlocking, 0]);
  try {
    kernel.bytes.fill(0, bufferOffset, bufferOffset + 110);
    kernel.view.setUint16(bufferOffset, unix, true);
    kernel.bytes.set(path, bufferOffset + 2);
    // The socket must never exist with more permissions than asked for.
    const before = kernel.call('umask', 0, [0o777 & ~mode]);
    try {
      kernel.call('bind', 0b010, [socket, bufferOffset, 3 + path.length], socketPath);
    } finally {
      kernel.call('umask', 0, [before]);
    }
    if (kind === 'stream') kernel.call('listen', 0, [socket, backlog], socketPath);
    return socket;
  } catch (error) {
    kernel.close(socket);
    throw error;
  }
}

function remove(kernel: Kernel, path: string): void {
  kernel.putPath(path);
  kernel.raw('unlinkat', 0b10, -100, 0, 0);
}

function peerOf(kernel: Kernel, socket: number): Peer | undefined {
  const { view } = kernel;
  const size = bufferOffset + 16;
  view.setUint32(size, 12, true);
  if (kernel.raw('getsockopt', 0b11000, socket, socketLevel, peerCredentials, bufferOffset, size) < 0) return undefined;
  return {
    pid: view.getInt32(bufferOffset, true),
    uid: view.getUint32(bufferOffset + 4, true),
    gid: view.getUint32(bufferOffset + 8, true),
  };
}

/** The port's `listen`: at the limit no connection is accepted, so that others wait in the kernel. */
export function listen(kernel: Kernel, loop: Loop, request: Parameters<Streams['listen']>[0]): Listener {
  const { socketPath, mode, connections, open } = request;
  const listener = bindSocket(kernel, socketPath, mode, 'stream');
  const served = new Set<() => void>();
  let closed = false;

  const accept = () => {
    const socket = kernel.raw('accept4', 0, listener, 0, 0, closeOnExec | nonBlocking);
    if (socket < 0) return;
    const peer = peerOf(kernel, socket);
    if (peer === undefined) return kernel.close(socket);
    serve(socket, peer);
    if (served.size >= connections) loop.unwatch(listener);
  };
  const serve = (socket: number, peer: Peer) => {
    let reader: Reader<Received> | undefined;
    let isOpen = true;
    const hangUp = () => {
      if (!isOpen) return;
      isOpen = false;
      reader?.stop();
      kernel.close(socket);
      served.delete(hangUp);
      if (!closed) loop.watch(listener, ready.read, accept);
    };
    served.add(hangUp);
    const handler = open(peer, { close: hangUp });
    const take = ({ bytes, descriptors }: Received) => {
      const passed = descriptors.map((descriptor) => {
        makeNonBlocking(kernel, descriptor);
        return descriptorSource(kernel, loop, descriptor);
      });
      return handler.data(bytes, passed);
    };
    const end = () => {
      handler.end();
      hangUp();
    };
    if (isOpen) reader = new Reader(loop, socket, () => receive(kernel, socket, true), take, end);
  };
  loop.watch(listener, ready.read, accept);
  return {
    close: async () => {
      if (closed) return;
      closed = true;
      loop.unwatch(listener);
      kernel.close(listener);
      remove(kernel, socketPath);
      for (const hangUp of [...served]) hangUp();
    },
  };
}

/** The port's `datagrams`. */
export function datagrams(kernel: Kernel, loop: Loop, request: Parameters<Streams['datagrams']>[0]): Listener {
  const { socketPath, mode, take } = request;
  const socket = bindSocket(kernel, socketPath, mode, 'datagram');
  const read = (): Piece<Uint8Array> => {
    const piece = receive(kernel, socket, false);
    if (piece.kind !== 'bytes') return piece;
    // What a sender passes along is nobody's.
    for (const descriptor of piece.value.descriptors) kernel.close(descriptor);
    return { kind: 'bytes', value: piece.value.bytes };
  };
  const source = descriptorSource(kernel, loop, socket, read);
  source.start(take, () => {});
  return {
    close: async () => {
      source.close();
      remove(kernel, socketPath);
    },
  };
}
