/** Answers of HTTP/1 servers: the head (RFC 9112 §4, §6.3) and what follows it. */
import { Body, type ByteSource, type Framing } from './body.ts';
import { joined, latin1 } from './bytes.ts';

/** Longest head of an answer, bytes. */
const longestHead = 64 * 1024;

export interface AnswerHead extends Framing {
  status: number;
  /** What the server calls the status; may be empty. */
  reason: string;
  /** Lower-case names; repeated ones joined by a comma. */
  headers: Record<string, string>;
}

export interface Answer {
  head: AnswerHead;
  body: Body;
}

/**
 * Reads the head of the final answer; those that only announce it (1xx) are passed over. Rejects with the source's failure, or what its `read`
 * rejects with.
 * @param method of the request
 */
export async function readAnswer(source: ByteSource, method: string): Promise<Answer> {
  let bytes: Uint8Array = new Uint8Array();
  for (let searched = 0; ; ) {
    const end = endOfHead(bytes, searched);
    if (end !== undefined) {
      const head = parseAnswerHead(latin1(bytes.subarray(0, end)).replace(/(?:\r?\n){2}$/, ''), method);
      if (!head) throw source.failure('malformed', excerpt(bytes));
      bytes = bytes.subarray(end);
      searched = 0;
      if (head.status >= 200) return { head, body: new Body(source, head, bytes) };
      continue;
    }
    // What begins in another way will never be an answer: who speaks first and then waits is not waited for.
    if (bytes.length > longestHead || (bytes.includes(lineFeed) && !statusLine.test(firstLine(bytes))))
      throw source.failure('malformed', excerpt(bytes));
    searched = bytes.length;
    const more = await source.read();
    if (more === undefined)
      throw bytes.length === 0
        ? source.failure('nothing', 'the server hung up')
        : source.failure('cut', 'the server hung up within the head');
    bytes = bytes.length === 0 ? more : joined([bytes, more]);
  }
}

const lineFeed = 10;
const carriageReturn = 13;
const statusLine = /^HTTP\/1\.[01] ([1-9]\d\d)(?: (.*))?$/;

const firstLine = (bytes: Uint8Array) => latin1(bytes.subarray(0, bytes.indexOf(lineFeed))).replace(/\r$/, '');
const excerpt = (bytes: Uint8Array) => JSON.stringify(latin1(bytes.subarray(0, 100)));

/** Where the empty line after the head ends. Lines may end without a carriage return (RFC 9112 §2.2). */
function endOfHead(bytes: Uint8Array, searched: number): number | undefined {
  for (let at = bytes.indexOf(lineFeed, Math.max(0, searched - 2)); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    const next = bytes[at + 1] === carriageReturn ? at + 2 : at + 1;
    if (bytes[next] === lineFeed) return next + 1;
  }
  return undefined;
}

const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

/**
 * Reads the head from its text (latin-1, without the empty line at its end); undefined when it is none.
 * @param method of the request: it decides with the status whether there is a body
 */
export function parseAnswerHead(text: string, method: string): AnswerHead | undefined {
  const [line = '', ...lines] = text.split(/\r?\n/);
  const [, status, reason = ''] = statusLine.exec(line) ?? [];
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
  const head = { status: code, reason, headers: { ...headers } };
  if (method === 'HEAD' || code < 200 || code === 204 || code === 304)
    return { ...head, chunked: false, contentLength: 0 };
  if (coding !== undefined) {
    const chunked = coding.toLowerCase() === 'chunked';
    return chunked && length === undefined ? { ...head, chunked, contentLength: undefined } : undefined;
  }
  if (length === undefined) return { ...head, chunked: false, contentLength: undefined, untilEnd: true };
  return /^\d{1,15}$/.test(length) ? { ...head, chunked: false, contentLength: Number(length) } : undefined;
}
