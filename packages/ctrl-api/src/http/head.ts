/** The head of an HTTP/1 request (RFC 9112), read strictly: what two readers could understand differently is refused. */

export type HeadProblem = 'syntax' | 'method';

export interface Head {
  method: string;
  target: string;
  version: '1.0' | '1.1';
  /** Lower-case names; repeated ones joined by a comma. */
  headers: Record<string, string>;
  /** Undefined when the body is chunked or there is none. */
  contentLength: number | undefined;
  chunked: boolean;
  keepAlive: boolean;
  expectsContinue: boolean;
}

/** Methods that a server of this kind has heard of (RFC 9110, RFC 5789); any other token is an unknown method. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH', 'CONNECT']);
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** One field line: no space before the colon, no line folding, no control characters but tab. */
const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;
/** Fields that must not be repeated with different values. */
const single = new Set(['content-length', 'host', 'transfer-encoding']);

/** Reads the head from its text (latin-1, without the empty line at its end). */
export function parseHead(text: string): Head | HeadProblem {
  const [line, ...lines] = text.split('\r\n');
  const request = /^(\S+) (\S+) HTTP\/1\.([01])$/.exec(line ?? '');
  if (!request) return 'syntax';
  const [, method, target, minor] = request as unknown as [string, string, string, string];
  if (!token.test(method)) return 'syntax';
  if (!methods.has(method) || method === 'CONNECT') return 'method';
  if (!/^[\x21-\x7e\x80-\xff]+$/.test(target)) return 'syntax';

  const headers: Record<string, string> = Object.create(null);
  for (const each of lines) {
    const match = field.exec(each);
    if (!match) return 'syntax';
    const name = match[1]!.toLowerCase();
    const value = withoutBlanks(match[2]!);
    const known = headers[name];
    if (known === undefined) headers[name] = value;
    else if (single.has(name)) return 'syntax';
    else headers[name] = `${known}, ${value}`;
  }
  const { 'content-length': length, 'transfer-encoding': coding, connection = '' } = headers;
  if (length !== undefined && (coding !== undefined || !/^\d{1,15}$/.test(length))) return 'syntax';
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || minor === '0')) return 'syntax';
  const options = connection
    .toLowerCase()
    .split(',')
    .map((option) => option.trim());
  return {
    method,
    target,
    version: minor === '0' ? '1.0' : '1.1',
    headers,
    contentLength: length === undefined ? undefined : Number(length),
    chunked: coding !== undefined,
    keepAlive: minor === '0' ? options.includes('keep-alive') : !options.includes('close'),
    expectsContinue: minor === '1' && headers.expect?.toLowerCase() === '100-continue',
  };
}

/** A value without the blanks and tabs behind it. */
function withoutBlanks(value: string): string {
  let end = value.length;
  while (end > 0 && (value[end - 1] === ' ' || value[end - 1] === '\t')) end -= 1;
  return end === value.length ? value : value.slice(0, end);
}
