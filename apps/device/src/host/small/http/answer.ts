/** Responses: status line, fields in the order that clients of the original know (control.md §1), and the body. */
import type { Head } from '@pantavisor/ctrl-api/http';
import type { HttpResponse } from '../../ports.ts';

/** Reason phrases of the statuses that the device uses (RFC 9110 §15). */
const phrases: Record<number, string> = {
  100: 'Continue',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  411: 'Length Required',
  413: 'Payload Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A moment in the form of the field `Date` (RFC 9110 §5.6.7). */
export function httpDate(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${days[date.getUTCDay()]}, ${two(date.getUTCDate())} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()} ${time} GMT`;
}

/** Statuses that have no body, whatever the handler gave (RFC 9110 §6.4.1). */
export function isBodyless(status: number): boolean {
  return status === 204 || status === 304;
}

/** The head of a response. `length` undefined: no Content-Length. `head` undefined: the request was not understood. */
export function formatHead(
  response: HttpResponse,
  head: Head | undefined,
  persistent: boolean,
  length: number | undefined,
  now: number,
): string {
  const lines = [`HTTP/1.1 ${response.status} ${response.reason ?? phrases[response.status] ?? 'Unknown'}`];
  for (const [name, value] of Object.entries(response.headers ?? {})) lines.push(`${name}: ${value}`);
  if (head?.version === '1.0') {
    if (persistent) lines.push('Connection: keep-alive');
  } else {
    if (head) lines.push(`Date: ${httpDate(now)}`);
    if (!persistent) lines.push('Connection: close');
  }
  if (length !== undefined && (persistent || head?.version !== '1.0')) lines.push(`Content-Length: ${length}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
