/** What the container runtime needs of a machine beyond files: processes held by pidfd, and LXC's message pipe. */
import type { ContainerExit } from '../ports.ts';

/** A process that was opened; its number cannot come to mean another one. */
export interface ProcessHandle {
  readonly pid: number;
}

export interface ProcessDoor {
  /** Undefined when there is no such process (any more). */
  open(pid: number): ProcessHandle | undefined;
  close(handle: ProcessHandle): void;
  /** Resolves when the process has ended. */
  ended(handle: ProcessHandle): Promise<void>;
  /** Takes the exit status of an ended child of ours; undefined when it was none. */
  reap(handle: ProcessHandle): ContainerExit | undefined;
  /** How an ended process ended, as far as the kernel tells those that are not its parent (PIDFD_GET_INFO, Linux 6.15). */
  exitOf(handle: ProcessHandle): ContainerExit | undefined;
  signal(handle: ProcessHandle, signal: string): void;
  /** Number of a signal in the masks of /proc/PID/status. */
  signalNumber(signal: string): number;
  signalName(number: number): string;
  /** Starts a program whose standard error goes to an existing file. */
  start(
    program: string,
    argv: string[],
    environment: Record<string, string>,
    stderrFile: string,
  ): Promise<ProcessHandle>;
  /** From now on until `forget` the child is not reaped as an orphan. */
  keep(pid: number): void;
  forget(pid: number): void;
  /** Keeps all ended children as they are while it is not known which of them somebody will wait for; the result ends that. */
  hold(): () => void;
  /** A named pipe that is made if it is missing and read without waiting; undefined when it cannot be had. */
  openPipe(path: string): Promise<MessagePipe | undefined>;
  /** A new pause. */
  pause(milliseconds: number): Promise<void>;
  /** The environment of this process. */
  readonly environment: Record<string, string>;
}

export interface MessagePipe {
  /** What is in the pipe now; empty when nothing is. */
  read(): Promise<Uint8Array>;
  close(): Promise<void>;
}
