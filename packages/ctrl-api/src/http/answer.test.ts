import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ByteSource, latin1, parseAnswerHead, readAnswer } from './index.ts';

test('heads of answers: framing is certain or the answer is refused, and nothing throws', () => {
  const head = (text: string) => parseAnswerHead(text, 'GET');
  assert.equal(head('HTTP/1.1 200 OK\r\nContent-Length: 5')?.contentLength, 5);
  assert.equal(head('HTTP/1.1 200\r\nTransfer-Encoding: chunked')?.chunked, true);
  assert.equal(head('HTTP/1.0 200 OK')?.untilEnd, true);
  for (const bad of ['Content-Length: 1, 2', 'Content-Length: -1', 'Transfer-Encoding: gzip', 'a b: c', ' folded'])
    assert.equal(head(`HTTP/1.1 200 OK\r\n${bad}`), undefined, bad);
  assert.equal(head('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked'), undefined);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void head(`HTTP/1.1 200 OK\r\n${text}`)));
});

/** Gives the pieces one after the other, then the end of the stream; failures are named by their kind. */
function sourceOf(pieces: readonly string[]): ByteSource {
  const left = pieces.map((piece) => Uint8Array.from(piece, (character) => character.charCodeAt(0)));
  return { read: async () => left.shift(), failure: (kind) => new Error(kind) };
}

/** Status and body, or the kind of the failure. */
async function outcome(pieces: readonly string[], method = 'GET'): Promise<string> {
  try {
    const { head, body } = await readAnswer(sourceOf(pieces), method);
    const whole = await body.whole(10, () => new Error('too large'));
    return `${head.status} ${head.reason}: ${latin1(whole)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

test('answers are read the same however they are cut into pieces', async () => {
  const answers: [string, string][] = [
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more', '200 OK: hello'],
    ['HTTP/1.1 200 Fine so far\r\n\r\nhello', '200 Fine so far: hello'],
    ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nA: b\r\n\r\nHTTP/1.1 404\r\nContent-Length: 0\r\n\r\n', '404 : '],
    ['HTTP/1.1 200\nContent-Length: 2\n\nhi', '200 : hi'],
    [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x\r\nlo\r\n0\r\nA: b\r\n\r\n',
      '200 OK: hello',
    ],
    ['HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world', 'too large'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello', 'cut'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello', 'cut'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello', 'malformed'],
    ['HTTP/1.1 200 OK\r\nContent-', 'cut'],
    ['HTTP/1.1 100 Continue\r\n\r\n', 'nothing'],
    ['', 'nothing'],
    [`HTTP/1.1 200 ${'x'.repeat(70_000)}`, 'malformed'],
  ];
  for (const [bytes, expected] of answers) {
    assert.equal(await outcome([bytes]), expected, bytes.slice(0, 80));
    if (bytes.length < 1000) assert.equal(await outcome([...bytes]), expected, `${bytes}, byte by byte`);
  }
  assert.equal(await outcome(['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'], 'HEAD'), '200 OK: ');
});

test('who greets in another way is refused at the first line', async () => {
  const waits: ByteSource = {
    read: async () => Uint8Array.from('220 mail\r\n', (character) => character.charCodeAt(0)),
    failure: (kind) => new Error(kind),
  };
  await assert.rejects(readAnswer(waits, 'GET'), { message: 'malformed' });
});
