/** The doors of the mesh on Node and the kernel addon. Directories are reached by their descriptors, as `/proc/self/fd/N`. */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import {
  acceptUnix,
  connectAs,
  connectUnix,
  copyDevice,
  finishSocket,
  listenUnix,
  openBelow,
  openProcess,
  receiveDescriptors,
  sendDescriptors,
  shutdownSocket,
  waitReadable,
  waitWritable,
} from '@pantavisor/linux';
import { codeOf, type Interest, type MeshFiles, type MeshHost, type MeshSockets } from './mesh-ports.ts';

/** O_PATH, which Node does not name. */
const pathOnly = 0o10000000;
const mostBytes = 64 * 1024;
/** Milliseconds until a wait is tried again for which there was no room. */
const pauseOfFull = 1_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Creates the host of this process. */
export function createNodeMesh(): MeshHost {
  return {
    pid: process.pid,
    arguments: process.argv.slice(2),
    sockets: createSockets(),
    files: createFiles(),
    print: (stream, text) => {
      writeSync(stream === 'stdout' ? 1 : 2, text);
    },
    now: () => performance.now(),
    after: (milliseconds, callback) => {
      const timer = setTimeout(callback, milliseconds);
      return () => clearTimeout(timer);
    },
    onSignal: (signal, callback) => {
      process.on(signal, callback);
    },
    startOf,
    whenEnded,
    encode: (text) => encoder.encode(text),
    decode: (bytes) => decoder.decode(bytes),
    exit: (code) => process.exit(code),
  };
}

/** Field 22 of proc_pid_stat(5). */
function startOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The program's name stands in parentheses and may contain any.
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}

function whenEnded(pid: number, callback: () => void): () => void {
  let isWanted = true;
  const tell = () => {
    if (isWanted) callback();
  };
  try {
    const descriptor = openProcess(pid);
    void waitReadable(descriptor).then(tell);
    closeSync(descriptor);
  } catch {
    setImmediate(tell);
  }
  return () => {
    isWanted = false;
  };
}

/** Interest in one descriptor: the kernel is asked once at a time for each condition. */
interface Watch {
  interest: Interest;
  ready: (is: Interest) => void;
  asked: Interest;
}

function createSockets(): MeshSockets {
  const watches = new Map<number, Watch>();
  const ask = (descriptor: number, watch: Watch) => {
    for (const condition of ['read', 'write'] as const) {
      if (!watch.interest[condition] || watch.asked[condition]) continue;
      watch.asked[condition] = true;
      const again = () => {
        watch.asked[condition] = false;
        if (watches.get(descriptor) === watch) ask(descriptor, watch);
      };
      void (condition === 'read' ? waitReadable : waitWritable)(descriptor).then(
        () => {
          // The number may be another file's by now.
          if (watches.get(descriptor) === watch && watch.interest[condition])
            watch.ready({ read: condition === 'read', write: condition === 'write' });
          again();
        },
        // Too many files are open for one more.
        () => void setTimeout(again, pauseOfFull),
      );
    }
  };
  return {
    connectPath: connectUnix,
    connect: (descriptor, uid) => connectAs(`/proc/self/fd/${descriptor}`, uid),
    accept: (listener) => orUndefined(() => acceptUnix(listener)),
    receive: (socket, descriptors) =>
      orUndefined(() => {
        const received = receiveDescriptors(socket, mostBytes);
        if (descriptors) return received;
        for (const descriptor of received.descriptors) closeSync(descriptor);
        return { bytes: received.bytes, descriptors: [], truncated: false };
      }),
    send: (socket, bytes, descriptors) => orUndefined(() => sendDescriptors(socket, bytes, descriptors)) ?? 0,
    finish: finishSocket,
    watch: (descriptor, interest, ready) => {
      const watch = watches.get(descriptor) ?? { interest, ready, asked: { read: false, write: false } };
      Object.assign(watch, { interest, ready });
      watches.set(descriptor, watch);
      ask(descriptor, watch);
    },
    close: (descriptor) => {
      // What still waits holds a duplicate: it has to wake up, or the other end would see nothing.
      if (watches.delete(descriptor)) shutdownSocket(descriptor);
      closeSync(descriptor);
    },
  };
}

function orUndefined<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return undefined;
    throw error;
  }
}

function createFiles(): MeshFiles {
  const at = (directory: number, name: string) => `/proc/self/fd/${directory}/${name}`;
  return {
    openRoot: (pid) => openSync(`/proc/${pid}/root`, pathOnly | constants.O_DIRECTORY),
    openIn: (root, path, kind) =>
      openBelow(root, path, kind === 'directory' ? pathOnly | constants.O_DIRECTORY : pathOnly),
    readIn: (root, path, limit) => {
      const descriptor = openBelow(root, path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
      try {
        if (!fstatSync(descriptor).isFile()) throw Object.assign(new Error('it is no file'), { code: 'EINVAL' });
        const bytes = new Uint8Array(limit);
        let length = 0;
        for (let count = -1; count !== 0 && length < limit; length += count)
          count = readSync(descriptor, bytes, length, limit - length, null);
        return decoder.decode(bytes.subarray(0, length));
      } finally {
        closeSync(descriptor);
      }
    },
    status: (descriptor) => {
      const status = fstatSync(descriptor, { bigint: true });
      const isDevice = status.isCharacterDevice() || status.isBlockDevice();
      return {
        kind: status.isSocket() ? 'socket' : isDevice ? 'device' : status.isDirectory() ? 'directory' : 'other',
        identity: `${status.dev}:${status.ino}`,
      };
    },
    makeDirectory: (directory, name, mode) => mkdirSync(at(directory, name), mode),
    listen: (directory, name, mode) => listenUnix(at(directory, name), mode),
    copyDevice: (device, directory, name) => copyDevice(device, at(directory, name)),
    rename: (directory, from, to) => renameSync(at(directory, from), at(directory, to)),
    remove: (directory, name) => unlinkSync(at(directory, name)),
  };
}
