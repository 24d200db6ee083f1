import { getSystemErrorMap } from 'node:util';
import { HostError } from '../ports.ts';

interface SystemError extends Error {
  code: string;
  errno?: number;
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

/** True when an error of Node or of the kernel addon has one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return isSystemError(error) && codes.includes(error.code);
}

/**
 * The `HostError` for a failure of Node or of the kernel: same code, the kernel's words, the failure as cause.
 * A `HostError` stays what it is; a failure without a code (a defect in the program) is returned unchanged.
 */
export function hostError(operation: string, path: string | undefined, cause: unknown): unknown {
  if (cause instanceof HostError || !isSystemError(cause)) return cause;
  // One number, two names; the ports speak of EWOULDBLOCK.
  const code = cause.code === 'EAGAIN' && operation === 'lock' ? 'EWOULDBLOCK' : cause.code;
  const words = cause.errno === undefined ? undefined : wordsOf(cause, cause.errno);
  return new HostError(code, operation, path, words === undefined ? `${cause.message}` : `${words} (${code})`, {
    cause,
  });
}

/** The kernel's words. Node's own messages have them; making its table of all errors takes longer than the first hundred system calls. */
function wordsOf({ code, message }: SystemError, number: number): string | undefined {
  const said = message.startsWith(`${code}: `) ? /^\w+: ([^,]+),/.exec(message)?.[1] : undefined;
  return said ?? getSystemErrorMap().get(number)?.[1];
}

/** Runs a step and turns its failure into a `HostError`. */
export async function guarded<Result>(
  operation: string,
  path: string | undefined,
  step: () => Promise<Result>,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    throw hostError(operation, path, error);
  }
}
