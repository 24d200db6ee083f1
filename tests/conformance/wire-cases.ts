/** Cases about bytes: framing, malformed requests, smuggling. What comes back until the server hangs up has to match (control.md §1). */

export interface WireCase {
  name: string;
  bytes: string;
  /** Everything that comes back, with the date replaced by `now`. */
  expect: RegExp;
  /** Responses that may come back; default 1. */
  responses?: number;
}

const last = 'Host: localhost\r\nConnection: close\r\n\r\n';
const malformed = /^HTTP\/1\.1 4\d\d [\s\S]*Connection: close/;

/** Each of these could be read as one request or as two, depending on the reader. */
const smuggling: readonly [string, string][] = [
  ['two lengths', 'Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcdeGET /x HTTP/1.1\r\n\r\n'],
  ['a length and chunks', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n'],
  ['chunks that are not the last coding', 'Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n'],
  ['a length with a sign', 'Content-Length: +4\r\n\r\nabcd'],
  ['a blank before the colon', 'Content-Length : 4\r\n\r\nabcd'],
  ['a folded line', 'X: y\r\n Content-Length: 4\r\n\r\nabcd'],
  ['a chunk size that is none', 'Transfer-Encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n'],
  ['a chunk longer than it says', 'Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n'],
];

export const wireCases: readonly WireCase[] = [
  {
    name: 'HTTP/1.1: Content-Type, Date, Content-Length in this order',
    bytes: `GET /nothing HTTP/1.1\r\n${last}`,
    expect:
      /^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/json\r\nDate: now\r\n(Connection: close\r\n)?Content-Length: 38\r\n(Connection: close\r\n)?\r\n\{"Error":"unknown endpoint: \/nothing"\}$/,
  },
  {
    name: 'HTTP/1.0: neither Date nor Content-Length',
    bytes: 'GET /nothing HTTP/1.0\r\nHost: localhost\r\n\r\n',
    expect:
      /^HTTP\/1\.[01] 400 Bad Request\r\nContent-Type: application\/json\r\n\r\n\{"Error":"unknown endpoint: \/nothing"\}$/,
  },
  {
    name: 'two requests on one connection',
    bytes: `GET /nothing HTTP/1.1\r\n\r\nGET /nowhere HTTP/1.1\r\n${last}`,
    expect: /nothing"\}HTTP\/1\.1 400 [\s\S]*nowhere"\}$/,
    responses: 2,
  },
  {
    name: 'a refused body with its length does not become a second answer',
    bytes: `PUT /nothing HTTP/1.1\r\nContent-Length: 40\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\nGET /nowhere HTTP/1.1\r\n${last}`,
    expect: /nothing"\}HTTP\/1\.1 400 [\s\S]*$/,
    responses: 2,
  },
  {
    name: 'a body in chunks',
    bytes: `PUT /nothing HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\nGET /nowhere HTTP/1.1\r\n${last}`,
    expect: /nothing"\}HTTP\/1\.1 400 [\s\S]*nowhere"\}$/,
    responses: 2,
  },
  { name: 'bytes that are no HTTP', bytes: '\x16\x03\x01\x02\x00\x01\r\n\r\n', expect: /^HTTP\/1\.1 (400|501) / },
  {
    name: 'a request line that is none',
    bytes: 'GET\r\n\r\n',
    expect:
      /^HTTP\/1\.1 (400|501) [A-Za-z ]+\r\nContent-Type: text\/html\r\n[\s\S]*\{"Error": "Unsupported protocol"\}$/,
  },
  {
    name: 'a method nobody knows',
    bytes: `BREW /containers HTTP/1.1\r\n${last}`,
    expect:
      /^HTTP\/1\.1 501 Not Implemented\r\nContent-Type: text\/html\r\n[\s\S]*\{"Error": "Unsupported protocol"\}$/,
  },
  { name: 'a header of 100 kB', bytes: `GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, expect: malformed },
  { name: 'ten thousand headers', bytes: `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(10_000)}\r\n`, expect: malformed },
  ...smuggling.map(
    ([name, rest]): WireCase => ({
      name: `smuggling: ${name}`,
      bytes: `PUT /nothing HTTP/1.1\r\nHost: localhost\r\n${rest}`,
      expect: /^HTTP\/1\.1 4\d\d /,
    }),
  ),
];
