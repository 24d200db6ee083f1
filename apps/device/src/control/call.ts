/** One request that has passed the router, and the answers a handler can give. */
import { type RefusalCode, refusals } from '@pantavisor/ctrl-api';
import { HostError, type HttpRequest, type HttpResponse, type TextCoding } from '../host/ports.ts';
import type { Caller } from '../runtime/facade.ts';

/** A request of a caller who may make it. */
export interface Call {
  /** Who called; never `unknown`. */
  caller: Exclude<Caller, { kind: 'unknown' }>;
  /** Values of the variables of the path, as they were sent: nothing is decoded. */
  parameters: readonly string[];
  /** Text after `?` of the target; empty when there is none. */
  query: string;
  /** The request itself, for peers and for bodies that are streamed. */
  request: HttpRequest;
  /**
   * The body as text, at most as long as the endpoint allows.
   * @throws RefusedError `body-too-large`, `body-cut-off`
   */
  text(): Promise<string>;
}

export type Handler = (call: Call) => Promise<HttpResponse>;

/** Thrown by a handler to answer with a refusal of the contract. */
export class RefusedError extends Error {
  override name = 'RefusedError';
  readonly code: RefusalCode;
  constructor(code: RefusalCode) {
    super(refusals[code].text);
    this.code = code;
  }
}

const json = { 'Content-Type': 'application/json' };

/** Success without data. */
export const done: HttpResponse = Object.freeze({ status: 200, headers: json });

/** Success with a JSON value, without any whitespace. */
export function jsonAnswer(value: unknown): HttpResponse {
  return { status: 200, headers: json, body: JSON.stringify(value) };
}

/** Success with JSON text that is written elsewhere. */
export function jsonText(body: string | { file: string }): HttpResponse {
  return { status: 200, headers: json, body };
}

/** A refusal with its status, text and the time after which to try again. */
export function refuse(code: RefusalCode): HttpResponse {
  const refusal: { status: number; text: string; retryAfter?: number } = refusals[code];
  return refuseWith(refusal.status, refusal.text, refusal.retryAfter);
}

const extraReasons: Readonly<Record<number, string>> = { 422: 'Unprocessable Content', 507: 'Insufficient Storage' };

/** A refusal whose text carries a value. */
export function refuseWith(status: number, text: string, retryAfter?: number): HttpResponse {
  const reason = extraReasons[status];
  return {
    status,
    ...(reason === undefined ? {} : { reason }),
    headers: retryAfter === undefined ? json : { ...json, 'Retry-After': String(retryAfter) },
    body: JSON.stringify({ Error: text }),
  };
}

/** The whole body as text; refuses one that is too long or was not sent to its end. */
export async function readText(request: HttpRequest, limit: number, text: TextCoding): Promise<string> {
  try {
    return text.decode(await request.readBody(limit));
  } catch (error) {
    if (error instanceof HostError) throw new RefusedError(error.code === 'EFBIG' ? 'body-too-large' : 'body-cut-off');
    throw error;
  }
}

/** The members of a JSON object, or undefined when the text is none. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
