import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ControlClient, ControlError, ExchangeError, exchange } from './client.ts';
import { refusalByText } from './refusals.ts';

const options = { timeout: 20_000 };

/** A server that reads the header of a request and then does as told with the socket. */
async function serve(t: TestContext, answer: (socket: Socket, head: string) => void): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'control-exchange-'));
  const socketPath = join(directory, 'socket');
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const before = text.includes('\r\n\r\n');
      text += chunk.toString('latin1');
      if (!before && text.includes('\r\n\r\n')) answer(socket, text);
    });
  });
  server.listen(socketPath);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return socketPath;
}

const get = { method: 'GET', target: '/x' };

/** The answers that a server may frame in different ways, each in pieces of one byte too. */
const framings: [string, string, string][] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello'],
  [
    'a length and a second answer after it',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 400 Bad\r\n\r\n',
    'hello',
  ],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n', 'hello'],
  ['the end of the connection', 'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello', 'hello'],
  ['100 before the answer', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello'],
  ['no body', 'HTTP/1.1 204 No Content\r\n\r\nignored', ''],
  ['lines without carriage returns', 'HTTP/1.1 200\nContent-Length: 2\n\nhi', 'hi'],
];

test('a body is read as it is framed, in whatever pieces it comes', options, async (t) => {
  for (const [name, bytes, expected] of framings) {
    const whole = await serve(t, (socket) => socket.end(bytes));
    assert.equal(await (await exchange(whole, get)).text(), expected, name);
    const slow = await serve(t, (socket) => {
      const letters = [...bytes];
      const next = () => {
        const letter = letters.shift();
        if (letter === undefined) socket.end();
        else socket.write(letter, next);
      };
      next();
    });
    assert.equal(await (await exchange(slow, get)).text(), expected, `${name}, byte by byte`);
  }
});

test('what is sent: one request with the length of its body', options, async (t) => {
  const heads: string[] = [];
  const path = await serve(t, (socket, head) => {
    heads.push(head);
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  await exchange(path, { method: 'PUT', target: '/y', headers: { 'X-A': 'b' }, body: 'grüße' });
  await exchange(path, get);
  assert.equal(
    heads[0]?.split('\r\n\r\n')[0],
    'PUT /y HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\nContent-Length: 7\r\nConnection: close',
  );
  assert.match(heads[1] ?? '', /Content-Length: 0\r\n/);
});

test('an answer that comes before the body is sent counts', options, async (t) => {
  const path = await serve(t, (socket) => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'));
  const pieces = async function* () {
    for (let index = 0; index < 1000; index += 1) yield new Uint8Array(100_000);
  };
  const response = await exchange(path, { method: 'PUT', target: '/', body: { pieces: pieces(), size: 100_000_000 } });
  assert.equal(response.status, 403);
  assert.equal(await response.text(), 'no');
});

test('progress of an upload is told', options, async (t) => {
  const path = await serve(t, (socket, head) => {
    let left = 300_000 - (head.length - head.indexOf('\r\n\r\n') - 4);
    const answer = () => {
      if (left <= 0) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    };
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      answer();
    });
    answer();
  });
  const sent: number[] = [];
  const pieces = async function* () {
    for (let index = 0; index < 3; index += 1) yield new Uint8Array(100_000);
  };
  await exchange(path, {
    method: 'PUT',
    target: '/',
    body: { pieces: pieces(), size: 300_000 },
    onSent: (bytes) => sent.push(bytes),
  });
  assert.deepEqual(sent, [100_000, 200_000, 300_000]);
});

test('every way in which there is no answer has its name', options, async (t) => {
  const code = async (path: string, more = {}) => {
    try {
      await (await exchange(path, { ...get, ...more })).text();
      return 'answered';
    } catch (error) {
      return error instanceof ExchangeError ? error.code : String(error);
    }
  };
  assert.equal(await code('/no/such/socket'), 'socket-missing');
  const directory = mkdtempSync(join(tmpdir(), 'control-exchange-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'file'), '');
  assert.equal(await code(join(directory, 'file')), 'refused');
  assert.equal(await code(await serve(t, (socket) => socket.end())), 'no-response');
  assert.equal(await code(await serve(t, (socket) => socket.end('SSH-2.0-x\r\n'))), 'malformed');
  assert.equal(await code(await serve(t, (socket) => socket.end('HTTP/1.1 200 OK\r\nbroken\r\n\r\n'))), 'malformed');
  assert.equal(
    await code(await serve(t, (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'))),
    'broken',
  );
  const chunk = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n';
  assert.equal(await code(await serve(t, (socket) => socket.end(chunk))), 'malformed');
  assert.equal(await code(await serve(t, () => {}), { timeout: 20 }), 'timeout');
});

test('the client tells refusals of the contract by code, and takes others as they are', options, async (t) => {
  const refuse = (status: string, body: string, more = '') =>
    serve(t, (socket) => socket.end(`HTTP/1.1 ${status}\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`));
  const errorOf = async (path: string) => {
    try {
      await new ControlClient(path).collectGarbage();
    } catch (error) {
      if (error instanceof ControlError) return error;
    }
    return assert.fail('no ControlError');
  };
  const busy = await errorOf(
    await refuse('503 Busy', '{"Error":"A command is already in progress. Try again"}', 'Retry-After: 120\r\n'),
  );
  assert.deepEqual([refusalByText(busy.text ?? ''), busy.status, busy.retryAfter], ['command-pending', 503, 120]);
  assert.equal(busy.message, 'cannot POST /storage/gc: A command is already in progress. Try again');
  const odd = await errorOf(await refuse('418 Teapot', 'short and stout'));
  assert.deepEqual([odd.text, odd.status, odd.retryAfter, odd.body], [undefined, 418, undefined, 'short and stout']);
  const text = await serve(t, (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{"x'));
  await assert.rejects(
    new ControlClient(text).groups(),
    (error) => error instanceof ExchangeError && error.code === 'malformed',
  );
});
