/** The head of an HTTP/1 response (RFC 9112 §4, §6.3). */
import type { Framing } from './body.ts';

export interface AnswerHead extends Framing {
  status: number;
  /** Lower-case names; repeated ones joined by a comma. */
  headers: Record<string, string>;
}

const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

/**
 * Reads the head from its text (latin-1, without the empty line at its end); undefined when it is none.
 * @param method of the request: it decides with the status whether there is a body
 */
export function parseAnswerHead(text: string, method: string): AnswerHead | undefined {
  const [line = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.[01] ([1-9]\d\d)(?: .*)?$/.exec(line)?.[1];
  if (status === undefined) return undefined;
  const headers: Record<string, string> = Object.create(null);
  for (const each of lines) {
    const match = field.exec(each);
    if (!match) return undefined;
    const name = match[1]!.toLowerCase();
    headers[name] = name in headers ? `${headers[name]}, ${match[2]}` : match[2]!;
  }
  const code = Number(status);
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  const head = { status: code, headers: { ...headers } };
  if (method === 'HEAD' || code < 200 || code === 204 || code === 304)
    return { ...head, chunked: false, contentLength: 0 };
  if (coding !== undefined) {
    const chunked = coding.toLowerCase() === 'chunked';
    return chunked && length === undefined ? { ...head, chunked, contentLength: undefined } : undefined;
  }
  if (length === undefined) return { ...head, chunked: false, contentLength: undefined, untilEnd: true };
  return /^\d{1,15}$/.test(length) ? { ...head, chunked: false, contentLength: Number(length) } : undefined;
}
