/** A step of an update that could not be done, in the words of the engine. */
import type { FailureCode, Reason, Failure as UpdateFailure } from '@pantavisor/engine';
import { HostError } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';

/** Thrown by the executors of steps; carries what is stored and shown about the update. */
export class StepError extends Error {
  override name = 'StepError';
  readonly code: FailureCode;
  readonly reasons: readonly Reason[];
  readonly numbers: UpdateFailure['numbers'];

  /**
   * @param cause the failure behind it, which says more to the person who started the program
   * @param numbers bytes needed and available, for `space-short`
   */
  constructor(code: FailureCode, reasons: readonly Reason[], cause?: unknown, numbers?: [number, number]) {
    super(reasons.map(({ message }) => message).join('; '), cause === undefined ? undefined : { cause });
    this.code = code;
    this.reasons = reasons;
    this.numbers = numbers;
  }
}

/** Any error as a reason: code, sentence, file, hint. */
export function updateReason(error: unknown, doing: string): Reason {
  if (error instanceof Failure) {
    const { code, message, file, hint } = error;
    return {
      code,
      message,
      ...(file === undefined ? {} : { file }),
      ...(hint === undefined ? {} : { detail: hint }),
    };
  }
  if (error instanceof HostError) {
    const { code, path, message } = error;
    return {
      code: `host-${code}`,
      message: `cannot ${doing}: ${message}`,
      ...(path === undefined ? {} : { file: path }),
    };
  }
  return { code: 'internal', message: `cannot ${doing}: ${error instanceof Error ? error.message : String(error)}` };
}

/** Any error as the failure of an update. @param otherwise code of what is no StepError */
export function updateFailure(error: unknown, otherwise: FailureCode, doing: string): UpdateFailure {
  if (error instanceof StepError) {
    const { code, reasons, numbers } = error;
    return { code, reasons: [...reasons], ...(numbers === undefined ? {} : { numbers }) };
  }
  return { code: otherwise, reasons: [updateReason(error, doing)] };
}
