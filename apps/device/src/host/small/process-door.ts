/** Processes held by pidfd, and LXC's message pipe, over system calls. */
import {
  bufferOffset,
  type Kernel,
  type Loop,
  openFlags,
  ready,
  SystemCallError,
  spawnProgram,
} from '@pantavisor/small-host';
import type { MessagePipe, ProcessDoor, ProcessHandle } from '../lxc/process-door.ts';
import { type ContainerExit, HostError } from '../ports.ts';
import type { Children, Ended } from './children.ts';
import { attempt } from './failure.ts';
import { signalName, signalNumber } from './signals.ts';

/** ioctl PIDFD_GET_INFO (linux/pidfd.h): struct pidfd_info, whose mask asks for the exit status (Linux 6.15). */
const getInfo = { request: 0xc048ff0b, size: 72, exitBit: 8, exitOffset: 60 } as const;
const fifo = 0o010600;
const exists = -17;

interface SmallHandle extends ProcessHandle {
  descriptor: number;
}

/** What wait(2) calls a status. */
function exitOfStatus(status: number): ContainerExit {
  const signal = status & 0x7f;
  return signal === 0 ? { kind: 'code', code: (status >> 8) & 0xff } : { kind: 'signal', signal: signalName(signal) };
}

function exitOfEnd(end: Ended): ContainerExit {
  return end.code !== undefined
    ? { kind: 'code', code: end.code }
    : { kind: 'signal', signal: end.signal ?? 'SIGKILL' };
}

/** Creates the door. */
export function createProcessDoor(
  kernel: Kernel,
  loop: Loop,
  children: Children,
  environment: Record<string, string>,
): ProcessDoor {
  const open = (pid: number): SmallHandle | undefined => {
    const descriptor = kernel.raw('pidfd_open', 0, pid, 0);
    if (descriptor >= 0) return { pid, descriptor };
    const gone = [-3, -22];
    if (gone.includes(descriptor)) return undefined;
    return attempt('open process', String(pid), () => {
      kernel.door(descriptor, 'pidfd_open', String(pid));
      return undefined;
    });
  };
  return {
    environment,
    open,
    close: (handle) => {
      const { descriptor } = handle as SmallHandle;
      loop.unwatch(descriptor);
      kernel.close(descriptor);
    },
    ended: (handle) =>
      new Promise((resolve) => {
        const { descriptor } = handle as SmallHandle;
        loop.watch(descriptor, ready.read, () => {
          loop.unwatch(descriptor);
          resolve();
        });
      }),
    reap: (handle) => {
      const end = children.reap(handle.pid);
      return end && exitOfEnd(end);
    },
    exitOf: (handle) => {
      const { view, bytes } = kernel;
      bytes.fill(0, bufferOffset, bufferOffset + getInfo.size);
      view.setUint32(bufferOffset, getInfo.exitBit, true);
      const result = kernel.raw('ioctl', 0b100, (handle as SmallHandle).descriptor, getInfo.request, bufferOffset);
      const told = view.getUint32(bufferOffset, true) & getInfo.exitBit;
      return result < 0 || told === 0
        ? undefined
        : exitOfStatus(view.getInt32(bufferOffset + getInfo.exitOffset, true));
    },
    signal: (handle, signal) => {
      const number = signalNumber(signal);
      if (number === undefined) throw new HostError('EINVAL', 'send signal', signal, 'there is no such signal');
      kernel.raw('pidfd_send_signal', 0, (handle as SmallHandle).descriptor, number, 0, 0);
    },
    signalNumber: (signal) => signalNumber(signal) ?? 0,
    signalName,
    async start(program, argv, variables, stderrFile) {
      const stderr = attempt('write', stderrFile, () =>
        kernel.open(stderrFile, openFlags.writeOnly | openFlags.append),
      );
      try {
        const pid = spawnProgram(kernel, {
          program,
          argv,
          environment: variables,
          descriptors: [-1, -1, stderr],
          newSession: true,
        });
        children.add(pid);
        const handle = open(pid);
        if (!handle) throw new HostError('ESRCH', 'open process', String(pid));
        return handle;
      } catch (error) {
        if (error instanceof SystemCallError)
          throw new HostError(error.code, 'run', program, undefined, { cause: error });
        throw error;
      } finally {
        kernel.close(stderr);
      }
    },
    keep: (pid) => children.add(pid),
    forget: (pid) => children.remove(pid),
    hold: () => children.hold(),
    openPipe: async (path) => openPipe(kernel, path),
    pause: (milliseconds) => new Promise((resolve) => void loop.after(milliseconds, resolve)),
  };
}

function openPipe(kernel: Kernel, path: string): MessagePipe | undefined {
  kernel.putPath(path);
  const made = kernel.raw('mknodat', 0b10, -100, 0, fifo, 0);
  if (made < 0 && made !== exists) return undefined;
  let descriptor: number;
  try {
    // Open for writing too, so that it never ends when a monitor closes its end.
    descriptor = kernel.open(path, openFlags.readWrite | openFlags.nonBlocking);
  } catch {
    return undefined;
  }
  return {
    async read() {
      const count = kernel.raw('read', 0b10, descriptor, bufferOffset, 64 * 1024);
      return count > 0 ? kernel.bytes.slice(bufferOffset, bufferOffset + count) : new Uint8Array();
    },
    async close() {
      kernel.close(descriptor);
    },
  };
}
