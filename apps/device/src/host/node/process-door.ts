/** Processes held by pidfd, and LXC's message pipe, on Node and the kernel addon. */
import { closeSync, constants, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import {
  makeFifo,
  openProcess,
  type ProcessExit,
  processInfo,
  reapProcess,
  signalName,
  signalNumber,
  signalProcess,
  spawnProcess,
  waitReadable,
} from '@pantavisor/linux';
import type { MessagePipe, ProcessDoor, ProcessHandle } from '../lxc/process-door.ts';
import type { ContainerExit } from '../ports.ts';
import type { Children } from './children.ts';
import { guarded, hasCode } from './errors.ts';

interface NodeHandle extends ProcessHandle {
  descriptor: number;
}

const descriptorOf = (handle: ProcessHandle) => (handle as NodeHandle).descriptor;

function exitOf(exit: ProcessExit | undefined): ContainerExit | undefined {
  if (exit === undefined) return undefined;
  return 'code' in exit ? { kind: 'code', code: exit.code } : { kind: 'signal', signal: exit.signal };
}

/**
 * Creates the door.
 * @param askKernel how an opened process has ended, which the kernel can tell since Linux 6.15
 */
export function createProcessDoor(
  children: Children,
  askKernel: (descriptor: number) => ProcessExit | undefined = (descriptor) => processInfo(descriptor)?.exit,
): ProcessDoor {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) environment[name] = value;
  return {
    environment,
    open: (pid): NodeHandle | undefined => {
      try {
        return { pid, descriptor: openProcess(pid) };
      } catch (error) {
        if (hasCode(error, 'ESRCH', 'EINVAL')) return undefined;
        throw error;
      }
    },
    close: (handle) => closeSync(descriptorOf(handle)),
    ended: (handle) => waitReadable(descriptorOf(handle)),
    reap: (handle) => exitOf(reapProcess(descriptorOf(handle))),
    exitOf: (handle) => exitOf(askKernel(descriptorOf(handle))),
    signal: (handle, signal) => signalProcess(descriptorOf(handle), signal),
    signalNumber,
    signalName,
    start: (program, argv, variables, stderrFile) =>
      guarded('run', program, async () => {
        const stderr = openSync(stderrFile, 'a');
        try {
          const started: NodeHandle = spawnProcess(program, argv, variables, { stderr });
          children.add(started.pid);
          return started;
        } finally {
          closeSync(stderr);
        }
      }),
    keep: (pid) => children.add(pid),
    forget: (pid) => children.remove(pid),
    hold: () => children.hold(),
    openPipe,
    pause: (milliseconds) => pause(milliseconds),
  };
}

async function openPipe(path: string): Promise<MessagePipe | undefined> {
  try {
    await makeFifo(path).catch((error) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
    // Open for writing too, so that it never ends when a monitor closes its end.
    const file = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
    const buffer = new Uint8Array(64 * 1024);
    return {
      read: async () => {
        try {
          const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
          return buffer.slice(0, bytesRead);
        } catch (error) {
          if (hasCode(error, 'EAGAIN')) return new Uint8Array();
          throw error;
        }
      },
      close: () => file.close(),
    };
  } catch {
    return undefined;
  }
}
