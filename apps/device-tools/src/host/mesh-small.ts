/** The doors of the mesh over system calls. */
import {
  bufferOffset,
  type Kernel,
  type Loop,
  openFlags,
  ready,
  receiveMessage,
  SystemCallError,
  sendMessage,
} from '@pantavisor/small-host';
import type { Interest, MeshFiles, MeshHost, MeshSockets } from './mesh-ports.ts';
import { Signals } from './signals.ts';

const unix = 1;
const stream = 1;
const again = -11;
const alreadyEnded = -107; // ENOTCONN
const mostWaiting = 4096;
const longestAddress = 107;
const shutdownWrite = 1;
/** Bytes that are taken from a socket at once. */
const mostBytes = 64 * 1024;
/** RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS of openat2(2). */
const resolveInRoot = 0x12;
const emptyPath = 0x1000;
const noFollow = 0x100;
const fileTypes = { character: 2, directory: 4, block: 6, file: 8, socket: 12 } as const;

/** Creates the host of this process. */
export function createSmallMesh(kernel: Kernel, loop: Loop, argv: readonly string[]): MeshHost {
  const signals = new Signals(kernel, loop);
  return {
    pid: kernel.call('getpid', 0, []),
    arguments: argv,
    sockets: createSockets(kernel, loop),
    files: createFiles(kernel),
    print: (output, text) => {
      const length = kernel.putText(text, bufferOffset);
      // A reader that has gone must not stop the mesh.
      kernel.raw('write', 0b10, output === 'stdout' ? 1 : 2, bufferOffset, length);
    },
    now: () => kernel.machine.now(),
    after: (milliseconds, callback) => loop.after(milliseconds, callback),
    onSignal: (signal, callback) => signals.on(signal, callback),
    startOf: (pid) => startOf(kernel, pid),
    whenEnded: (pid, callback) => whenEnded(kernel, loop, pid, callback),
    encode: (text) => kernel.encode(text),
    decode: (bytes) => kernel.decode(bytes),
    exit: (code) => kernel.machine.exit(code),
  };
}

/** Field 22 of proc_pid_stat(5). */
function startOf(kernel: Kernel, pid: number): number | undefined {
  try {
    const descriptor = kernel.open(`/proc/${pid}/stat`, openFlags.readOnly);
    try {
      const text = kernel.takeBuffer(kernel.read(descriptor, 1024));
      // The program's name stands in parentheses and may contain any.
      return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19]);
    } finally {
      kernel.close(descriptor);
    }
  } catch (error) {
    if (error instanceof SystemCallError) return undefined;
    throw error;
  }
}

function whenEnded(kernel: Kernel, loop: Loop, pid: number, callback: () => void): () => void {
  const descriptor = kernel.raw('pidfd_open', 0, pid, 0);
  if (descriptor < 0) return loop.after(0, callback);
  let isOpen = true;
  const cancel = () => {
    if (!isOpen) return;
    isOpen = false;
    loop.unwatch(descriptor);
    kernel.close(descriptor);
  };
  loop.watch(descriptor, ready.read, () => {
    cancel();
    callback();
  });
  return cancel;
}

/** Puts the address of a socket into the window; its length. */
function putAddress(kernel: Kernel, path: string): number {
  kernel.view.setUint16(bufferOffset, unix, true);
  const length = kernel.putText(path, bufferOffset + 2);
  if (length > longestAddress) throw new SystemCallError('ENAMETOOLONG', 'connect', path);
  kernel.bytes[bufferOffset + 2 + length] = 0;
  return length + 3;
}

function newSocket(kernel: Kernel): number {
  return kernel.call('socket', 0, [unix, stream | openFlags.closeOnExec | openFlags.nonBlocking, 0]);
}

/** Gives back a new descriptor, or closes it when the work with it fails. */
function keeping(kernel: Kernel, descriptor: number, work: () => void): number {
  try {
    work();
    return descriptor;
  } catch (error) {
    kernel.close(descriptor);
    throw error;
  }
}

function createSockets(kernel: Kernel, loop: Loop): MeshSockets {
  const watched = new Set<number>();
  const connectPath = (path: string) => {
    const socket = newSocket(kernel);
    return keeping(kernel, socket, () => {
      kernel.call('connect', 0b10, [socket, bufferOffset, putAddress(kernel, path)], path);
    });
  };
  return {
    connectPath,
    connect: (descriptor, uid) => {
      const path = `/proc/self/fd/${descriptor}`;
      if (uid === 0) return connectPath(path);
      kernel.call('setresuid', 0, [uid, uid, 0]);
      try {
        return connectPath(path);
      } finally {
        // Whoever this is now must not go on as the mesh.
        if (kernel.raw('setresuid', 0, 0, 0, 0) !== 0) kernel.machine.exit(1);
      }
    },
    accept: (listener) => {
      const result = kernel.raw('accept4', 0, listener, 0, 0, openFlags.closeOnExec | openFlags.nonBlocking);
      return result === again ? undefined : kernel.door(result, 'accept');
    },
    receive: (socket, descriptors) => {
      if (!descriptors) {
        const count = kernel.raw('read', 0b10, socket, bufferOffset, mostBytes);
        if (count === again) return undefined;
        kernel.door(count, 'read');
        return { bytes: kernel.bytes.slice(bufferOffset, bufferOffset + count), descriptors: [], truncated: false };
      }
      const { count, ...others } = receiveMessage(kernel, socket, mostBytes);
      if (count === again) return undefined;
      kernel.door(count, 'recvmsg');
      return { bytes: kernel.bytes.slice(bufferOffset, bufferOffset + count), ...others };
    },
    send: (socket, bytes, descriptors) => {
      const count = sendMessage(kernel, socket, bytes, descriptors);
      return count === again ? 0 : kernel.door(count, 'sendmsg');
    },
    finish: (socket) => {
      const result = kernel.raw('shutdown', 0, socket, shutdownWrite);
      if (result !== alreadyEnded) kernel.door(result, 'shutdown');
    },
    watch: (descriptor, interest, callback) => {
      if (!interest.read && !interest.write) {
        // The kernel tells of a hang-up even those who ask for nothing.
        if (watched.delete(descriptor)) loop.unwatch(descriptor);
        return;
      }
      watched.add(descriptor);
      const conditions = (interest.read ? ready.read : 0) | (interest.write ? ready.write : 0);
      loop.watch(descriptor, conditions, (is) => callback(conditionsOf(is, interest)));
    },
    close: (descriptor) => {
      if (watched.delete(descriptor)) loop.unwatch(descriptor);
      kernel.close(descriptor);
    },
  };
}

/** A hang-up or an error is found out by whatever is tried next. */
function conditionsOf(conditions: number, { read, write }: Interest): Interest {
  const any = (conditions & (ready.error | ready.hangUp)) !== 0;
  return {
    read: read && (any || (conditions & ready.read) !== 0),
    write: write && (any || (conditions & ready.write) !== 0),
  };
}

function createFiles(kernel: Kernel): MeshFiles {
  const howOffset = 16384;
  const openIn = (root: number, path: string, flags: number): number => {
    kernel.putPath(path);
    kernel.bytes.fill(0, howOffset, howOffset + 24);
    kernel.view.setUint32(howOffset, flags | openFlags.closeOnExec, true);
    kernel.view.setUint32(howOffset + 16, resolveInRoot, true);
    return kernel.call('openat2', 0b0110, [root, 0, howOffset, 24], path);
  };
  /** statx(2) of what is open. */
  const look = (descriptor: number) => {
    kernel.bytes[0] = 0;
    kernel.call('statx', 0b10010, [descriptor, 0, emptyPath, 0x7ff, bufferOffset]);
    const word = (offset: number) => kernel.view.getUint32(bufferOffset + offset, true);
    const mode = kernel.view.getUint16(bufferOffset + 28, true);
    return {
      type: mode >> 12,
      mode,
      uid: word(20),
      gid: word(24),
      identity: [136, 140, 32, 36].map(word).join(':'),
      number: (word(132) & 0xff) | (word(128) << 8) | ((word(132) & ~0xff) << 12),
    };
  };
  const isDevice = (type: number) => type === fileTypes.character || type === fileTypes.block;
  return {
    openRoot: (pid) => kernel.open(`/proc/${pid}/root`, kernel.pathFlag | kernel.directoryFlag),
    openIn: (root, path, kind) =>
      openIn(root, path, kind === 'directory' ? kernel.pathFlag | kernel.directoryFlag : kernel.pathFlag),
    readIn: (root, path, limit) => {
      const descriptor = openIn(root, path, openFlags.readOnly | openFlags.nonBlocking | openFlags.noTerminal);
      try {
        if (look(descriptor).type !== fileTypes.file) throw new SystemCallError('EINVAL', 'read', path);
        let text = '';
        // Lines of ASCII count here: a character that is cut in two does no harm.
        for (let count = kernel.read(descriptor); count > 0 && text.length < limit; count = kernel.read(descriptor))
          text += kernel.takeBuffer(count);
        return text;
      } finally {
        kernel.close(descriptor);
      }
    },
    status: (descriptor) => {
      const { type, identity } = look(descriptor);
      const kind = type === fileTypes.socket ? 'socket' : type === fileTypes.directory ? 'directory' : 'other';
      return { kind: isDevice(type) ? 'device' : kind, identity };
    },
    makeDirectory: (directory, name, mode) => {
      kernel.putPath(name);
      kernel.call('mkdirat', 0b10, [directory, 0, mode], name);
    },
    listen: (directory, name, mode) => {
      const socket = newSocket(kernel);
      return keeping(kernel, socket, () => {
        const length = putAddress(kernel, `/proc/self/fd/${directory}/${name}`);
        // Through the umask: a mode set afterwards by name could reach something else.
        const before = kernel.raw('umask', 0, 0o777 & ~mode);
        try {
          kernel.call('bind', 0b10, [socket, bufferOffset, length], name);
        } finally {
          kernel.raw('umask', 0, before);
        }
        kernel.call('listen', 0, [socket, mostWaiting]);
      });
    },
    copyDevice: (device, directory, name) => {
      const { type, mode, uid, gid, number } = look(device);
      kernel.exactModes(() => {
        kernel.putPath(name);
        kernel.call('mknodat', 0b10, [directory, 0, (type << 12) | (mode & 0o777), number], name);
      });
      kernel.putPath(name);
      kernel.call('fchownat', 0b10, [directory, 0, uid, gid, noFollow], name);
    },
    rename: (directory, from, to) => {
      const second = kernel.putPath(from);
      kernel.putPath(to, second);
      kernel.call('renameat2', 0b01010, [directory, 0, directory, second, 0], to);
    },
    remove: (directory, name) => {
      kernel.putPath(name);
      kernel.call('unlinkat', 0b10, [directory, 0, 0], name);
    },
  };
}
