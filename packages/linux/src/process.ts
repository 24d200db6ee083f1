/** Processes by descriptor, their ends, and reaping beside libuv - pidfd_open(2), waitid(2). */
import { readdirSync, readFileSync } from 'node:fs';
import { addon, type RawExit } from './addon.ts';
import { signalName, signalNumber } from './signals.ts';

/** How a process ended: its exit code, or the name of the signal that ended it. */
export type ProcessExit = { code: number } | { signal: string };

function exitOf(raw: { code?: number; signal?: number }): ProcessExit | undefined {
  if (raw.code !== undefined) return { code: raw.code };
  return raw.signal === undefined ? undefined : { signal: signalName(raw.signal) };
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/**
 * Opens a process, so that it can be signalled and awaited without the danger of meeting another one with the same number -
 * pidfd_open(2), Linux 5.3. `waitReadable` on the descriptor resolves when it has ended.
 * @throws Error with code ESRCH when there is no such process
 */
export function openProcess(pid: number): number {
  return addon.openProcess(pid);
}

/** A process started by `spawnProcess`: its number, and its descriptor, to be closed by the caller. */
export interface SpawnedChild {
  pid: number;
  descriptor: number;
}

/**
 * Starts a program in a session of its own, with no signal blocked or ignored, some ten times faster than fork - posix_spawn(3).
 * libuv does not know the child: await the descriptor with `waitReadable`, then call `reapProcess`.
 * @param program absolute path
 * @param argv its arguments, the name first
 * @param stdio descriptors from 3 on for its standard streams; absent ones are /dev/null. No other one is inherited.
 * @throws Error with code ENOENT, EACCES, … when it cannot be run
 */
export function spawnProcess(
  program: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  stdio: { stdin?: number; stdout?: number; stderr?: number } = {},
): SpawnedChild {
  const variables: string[] = [];
  for (const [name, value] of Object.entries(environment)) if (value !== undefined) variables.push(`${name}=${value}`);
  const { stdin = -1, stdout = -1, stderr = -1 } = stdio;
  return addon.spawnProcess(program, argv as string[], variables, stdin, stdout, stderr);
}

/** Sends a signal by name. False when the process has ended. */
export function signalProcess(descriptor: number, signal: string): boolean {
  const number = signalNumber(signal);
  try {
    addon.signalProcess(descriptor, number);
    return true;
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false;
    throw error;
  }
}

/** What the kernel tells about a process through its descriptor - PIDFD_GET_INFO, Linux 6.13; exit status since 6.15. */
export interface ProcessInfo {
  pid?: number;
  parent?: number;
  /** Known for any process, not only one's own children, once its parent has reaped it. */
  exit?: ProcessExit;
}

/** Undefined when the kernel cannot tell or the process has ended too long ago. */
export function processInfo(descriptor: number): ProcessInfo | undefined {
  try {
    const { code, signal, ...ids } = addon.processInfo(descriptor);
    const exit = exitOf({ ...(code === undefined ? {} : { code }), ...(signal === undefined ? {} : { signal }) });
    return exit ? { ...ids, exit } : ids;
  } catch (error) {
    if (hasCode(error, 'ENOTTY', 'EINVAL', 'ESRCH', 'EOPNOTSUPP')) return undefined;
    throw error;
  }
}

function reap(by: 0 | 1, id: number, keep: boolean): RawExit | undefined {
  try {
    return addon.reap(by, id, keep);
  } catch (error) {
    if (hasCode(error, 'ECHILD')) return undefined;
    throw error;
  }
}

/**
 * Takes the exit of a child that has ended and frees its process number - waitid(2).
 * Only for children that libuv does not know: it would never learn of the end of its own.
 * @returns undefined when it still runs or is no child of this process
 */
export function reapProcess(descriptor: number): ProcessExit | undefined {
  const raw = reap(1, descriptor, false);
  return raw && exitOf(raw);
}

/** As `reapProcess`, by number. */
export function reapPid(pid: number): ProcessExit | undefined {
  const raw = reap(0, pid, false);
  return raw && exitOf(raw);
}

/** Makes this process the parent of its orphaned descendants - PR_SET_CHILD_SUBREAPER. They must then be reaped by `reapOrphans`. */
export function setChildSubreaper(on: boolean): void {
  addon.setChildSubreaper(on);
}

/** Numbers of all children of this process, ended ones included - /proc/self/task/TID/children. */
export function listChildren(): number[] {
  const children: number[] = [];
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      const text = readFileSync(`/proc/self/task/${thread}/children`, 'latin1');
      for (const word of text.split(' ')) if (word !== '') children.push(Number(word));
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ESRCH')) throw error;
    }
  }
  return children;
}

/**
 * Reaps every ended child that is nobody's business, one by one: waiting for "any child" would steal the ends of libuv's own.
 * @param isOurs true for children that libuv or another owner waits for
 * @returns the numbers of the reaped ones
 */
export function reapOrphans(isOurs: (pid: number) => boolean): number[] {
  return listChildren().filter((pid) => !isOurs(pid) && reap(0, pid, false) !== undefined);
}
