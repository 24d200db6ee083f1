/** A failure that a person is told about: no stack trace, but what to do. */

export interface FailureOptions {
  hint?: string;
  exitCode?: number;
  cause?: unknown;
  /** More for programs: appears in the JSON form. */
  details?: unknown;
}

/** Ends a command with an exit code. The message begins with "cannot …". */
export class Failure extends Error {
  override name = 'Failure';
  /** Stable name of the failure. */
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: number | undefined;
  readonly details: unknown;

  constructor(code: string, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode;
    this.details = options.details;
  }
}
