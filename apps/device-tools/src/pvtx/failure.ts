/** Why a command of pvtx was refused, with the exit code that scripts depend on (pvtx.md §2; what they mean is in `exit-codes.ts`). */

export const exits = {
  success: 0,
  addInactive: 1,
  removeInactive: 3,
  argument: 4,
  inactive: 11,
  kind: 12,
  failed: 255,
} as const;

export type Exit = keyof typeof exits;

export class PvtxFailure extends Error {
  override name = 'PvtxFailure';
  readonly exit: Exit;
  /** Status and `Retry-After` of the device when it was the one that refused. */
  readonly status: number | undefined;
  readonly retryAfter: string | undefined;
  constructor(message: string, exit: Exit = 'failed', status?: number, retryAfter?: string) {
    super(message);
    this.exit = exit;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The reason that an error gives. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
