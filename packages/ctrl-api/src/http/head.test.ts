import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Head, parseHead } from './head.ts';

const head = (...lines: string[]) => parseHead(lines.join('\r\n'));

test('reads a request', () => {
  const read = head(
    'PUT /objects/ab?x HTTP/1.1',
    'Host: localhost',
    'X-A: 1',
    'x-a:  2 ',
    'Content-Length: 12',
    'Expect: 100-continue',
  ) as Head;
  assert.equal(read.method, 'PUT');
  assert.equal(read.target, '/objects/ab?x');
  assert.equal(read.headers['x-a'], '1, 2');
  assert.equal(read.contentLength, 12);
  assert.equal(read.expectsContinue, true);
  assert.equal(read.keepAlive, true);
});

test('keeps a connection as the version and the client say', () => {
  const persistent = (...lines: string[]) => (head(...lines) as Head).keepAlive;
  assert.equal(persistent('GET / HTTP/1.0'), false);
  assert.equal(persistent('GET / HTTP/1.0', 'Connection: Keep-Alive'), true);
  assert.equal(persistent('GET / HTTP/1.1', 'Connection: upgrade, close'), false);
});

test('refuses what two readers could understand differently', () => {
  const bad: string[][] = [
    ['GET / HTTP/1.1', 'Content-Length: 1', 'Transfer-Encoding: chunked'],
    ['GET / HTTP/1.1', 'Content-Length: 1', 'Content-Length: 2'],
    ['GET / HTTP/1.1', 'Content-Length: +1'],
    ['GET / HTTP/1.1', 'Content-Length: 1, 1'],
    ['GET / HTTP/1.1', 'Content-Length: '],
    ['GET / HTTP/1.1', 'Transfer-Encoding: gzip, chunked'],
    ['GET / HTTP/1.0', 'Transfer-Encoding: chunked'],
    ['GET / HTTP/1.1', 'Host : localhost'],
    ['GET / HTTP/1.1', 'X: a', ' folded'],
    ['GET / HTTP/1.1', 'X: a\nY: b'],
    ['GET / HTTP/1.1', 'X: a\0'],
    ['GET  / HTTP/1.1'],
    ['GET / HTTP/2.0'],
    ['GET /\tx HTTP/1.1'],
    [' GET / HTTP/1.1'],
    [''],
  ];
  for (const lines of bad) assert.equal(head(...lines), 'syntax', JSON.stringify(lines));
  assert.equal(head('BREW /pot HTTP/1.1'), 'method');
  assert.equal(head('CONNECT a:1 HTTP/1.1'), 'method');
});

test('never throws', () => {
  const awkward = fc.string({
    unit: fc.constantFrom('G', 'E', 'T', ' ', '/', 'H', 'P', '1', '.', ':', '\r\n', '\n', '\t', '\0', '\xff', 'ü'),
  });
  fc.assert(fc.property(awkward, (text) => void parseHead(text)));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseHead(`GET / HTTP/1.1\r\n${text}`)));
});
