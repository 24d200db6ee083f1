/** Failures of system calls as the device knows them. */
import { errnoName, SystemCallError } from '@pantavisor/small-host';
import { HostError } from '../ports.ts';

/** Runs one operation; a refused system call becomes a HostError that names the operation and the path. */
export function attempt<T>(operation: string, path: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SystemCallError) throw new HostError(error.code, operation, path, undefined, { cause: error });
    throw error;
  }
}

/** The result of a raw system call, or a HostError when it is negative. */
export function granted(result: number, operation: string, path?: string): number {
  if (result < 0) throw new HostError(errnoName(result), operation, path);
  return result;
}

/** What went wrong with a connection, as the device knows it. */
export const channelFailure = (code: string, operation: string, detail: string): HostError =>
  new HostError(code, operation, undefined, detail);
