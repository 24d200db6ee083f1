/** Things the device cannot do, said once, for people and programs. */
import type { Reason } from '@pantavisor/engine';
import { HostError } from '../host/ports.ts';

/** What there is to say about a failure beside its sentence. */
export interface FailureFacts {
  /** File or device concerned. */
  file?: string;
  /** What the user can do about it. */
  hint?: string;
  cause?: unknown;
}

/**
 * Something of the revision or of the machine that stops one container, or the whole device.
 * `code` is stable and listed in docs; `message` is one sentence that begins with "cannot" and names file, key or value.
 */
export class Failure extends Error {
  override name = 'Failure';
  readonly code: string;
  readonly file: string | undefined;
  readonly hint: string | undefined;
  constructor(code: string, message: string, facts: FailureFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.file = facts.file;
    this.hint = facts.hint;
  }
}

/**
 * Says any error as a reason for the engine and for logs.
 * @param doing the step that failed, after "cannot", e.g. `mount root.squashfs`; used when the error is the machine's own
 */
export function reasonOf(error: unknown, container: string, doing: string): Reason {
  if (error instanceof Failure) {
    const { code, message, file, hint } = error;
    return {
      code,
      message,
      container,
      ...(file === undefined ? {} : { file }),
      ...(hint === undefined ? {} : { detail: hint }),
    };
  }
  if (error instanceof HostError) {
    const { code, path } = error;
    return {
      code: `host-${code}`,
      message: `cannot ${doing}: ${error.message}`,
      container,
      ...(path === undefined ? {} : { file: path }),
    };
  }
  return {
    code: 'internal',
    message: `cannot ${doing}: ${error instanceof Error ? error.message : String(error)}`,
    container,
  };
}

/** One line for a log: the sentence and what can be done. */
export function sentenceOf(reason: Reason): string {
  return reason.detail === undefined ? reason.message : `${reason.message}; ${reason.detail}`;
}
