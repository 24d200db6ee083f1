import { type ErrorCode, errorCodes } from '@pantavisor/hub-api';

/** A request that the hub refuses: a stable code, a sentence that begins with "cannot", and the status on the wire. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: ErrorCode;
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { status?: number; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? errorCodes[code][0];
    this.headers = options.headers ?? {};
  }
}

/** Body of an error as the clients of the original read it (hub-api §1.4), with our code and the request id added. */
export function failureBody(failure: Failure, requestId: string, now: number): Record<string, unknown> {
  const about = { reason: failure.code, 'request-id': requestId };
  if (failure.code === 'not-authorized') return { Error: 'Not Authorized', msg: failure.message, ...about };
  if (failure.code === 'no-such-route') return { Error: 'Resource not found', ...about };
  if (failure.code === 'method-not-allowed') return { Error: 'Method not allowed', ...about };
  if (failure.code === 'wrong-content-type')
    return { Error: "Bad Content-Type or charset, expected 'application/json'", ...about };
  const nanoseconds = `${now}${String(process.hrtime()[1] % 1_000_000).padStart(6, '0')}`;
  return { error: `REST-ERR-ID-${nanoseconds}`, msg: failure.message, code: failure.status, ...about };
}

/** Turns whatever was thrown into a failure; a full disk or database is recognised, everything unknown is `internal`. */
export function asFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  if (isDiskFull(thrown))
    return new Failure(
      'storage-full',
      'cannot store this: the disk of the hub is full; its operator has to make room',
      {
        cause: thrown,
        headers: { 'retry-after': '60' },
      },
    );
  const { code, statusCode } = thrown as { code?: unknown; statusCode?: unknown };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new Failure('body-too-large', 'cannot take this body: it is larger than this route allows');
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new Failure('bad-request', `cannot understand the request: ${(thrown as Error).message}`, {
      status: statusCode,
    });
  return new Failure('internal', 'cannot answer: the hub has a defect; its log has the details under the request id', {
    cause: thrown,
  });
}

function isDiskFull(thrown: unknown): boolean {
  const { code, errcode, message } = (thrown ?? {}) as { code?: unknown; errcode?: unknown; message?: unknown };
  const full = 13; // SQLITE_FULL, https://www.sqlite.org/rescode.html
  // PostgreSQL 53100 is disk_full (manual, appendix A).
  return (
    code === 'ENOSPC' ||
    code === 'EDQUOT' ||
    errcode === full ||
    code === '53100' ||
    message === 'database or disk is full'
  );
}
