/** What every implementation of the port `Http` promises: clients on plain sockets, so nothing helps either side. For Node. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as register, type TestContext } from 'node:test';
import type { BehaviourName, ServingRequest } from './http-behaviours.ts';

const options = { timeout: 60_000 };

/** Serves a behaviour on the host that is tested; rejects with the code and the words of a refusal. */
export type StartServer = (request: ServingRequest) => Promise<{ close(): Promise<void> }>;

const limits: ServingRequest['limits'] = {
  headerBytes: 8192,
  headerTimeout: 5000,
  idleTimeout: 5000,
  connections: 100,
};

/** Everything the server sends until it closes. */
async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {});
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

async function send(socketPath: string, text: string): Promise<string> {
  const socket = connect(socketPath);
  socket.write(text);
  return readAll(socket);
}

/** Reads until the text so far matches. */
async function readUntil(socket: Socket, pattern: RegExp): Promise<string> {
  let text = '';
  while (!pattern.test(text)) {
    const chunk: Buffer | null = socket.read();
    if (chunk) text += chunk.toString('latin1');
    else await once(socket, 'readable');
  }
  return text;
}

const withoutDate = (text: string) => text.replace(/Date: [A-Z][a-z]{2}, [^\r]+ GMT/g, 'Date: now');
const digestOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
const countResponses = (text: string) => text.match(/HTTP\/1\.1 \d{3} /g)?.length ?? 0;

/**
 * Registers the tests of the port `Http`.
 * @param name of the implementation
 */
export function testHttp(name: string, start: StartServer): void {
  const test = (title: string, body: (t: TestContext) => Promise<void>) =>
    register(`http: ${name}: ${title}`, options, body);

  /** A server on a socket of its own that goes away with the test. */
  async function serve(t: TestContext, behaviour: BehaviourName, change: Partial<ServingRequest['limits']> = {}) {
    const directory = mkdtempSync(join(tmpdir(), 'control-http-'));
    const socketPath = join(directory, 'socket');
    const server = await start({ behaviour, directory, socketPath, mode: 0o755, limits: { ...limits, ...change } });
    t.after(async () => {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    });
    return { socketPath, directory, server };
  }

  test('HTTP/1.1: Content-Type, Date, Content-Length in this order, and the connection stays', async (t) => {
    const { socketPath } = await serve(t, 'target');
    const socket = connect(socketPath);
    t.after(() => socket.destroy());
    socket.write('GET /a?b HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const first = await readUntil(socket, /"\/a\?b"$/);
    assert.equal(
      withoutDate(first),
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: now\r\nContent-Length: 6\r\n\r\n"/a?b"',
    );
    socket.write('GET /c HTTP/1.1\r\nConnection: close\r\n\r\n');
    const rest = await readAll(socket);
    assert.match(rest, /Connection: close\r\nContent-Length: 4\r\n\r\n"\/c"$/);
  });

  test('HTTP/1.0: no Date, no Content-Length, the end of the connection ends the body', async (t) => {
    const { socketPath } = await serve(t, 'list');
    assert.equal(
      await send(socketPath, 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n'),
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[]',
    );
    const socket = connect(socketPath);
    t.after(() => socket.destroy());
    socket.write('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    const kept = await readUntil(socket, /\[\]$/);
    assert.match(kept, /Connection: keep-alive\r\nContent-Length: 2\r\n\r\n\[\]$/);
  });

  test('an answer without a body has Content-Length 0, one with status 204 none, HEAD has only the header', async (t) => {
    const { socketPath } = await serve(t, 'bodies');
    const ask = (line: string) => send(socketPath, `${line} HTTP/1.1\r\nConnection: close\r\n\r\n`);
    assert.match(await ask('GET /e'), /Content-Length: 0\r\n\r\n$/);
    assert.doesNotMatch(await ask('GET /204'), /Content-Length|ignored/);
    assert.match(await ask('HEAD /x'), /Content-Length: 4\r\n\r\n$/);
  });

  test('a refused upload gets its one answer, also when the client sends everything first; the connection stays usable', async (t) => {
    const { socketPath } = await serve(t, 'refuses');
    const socket = connect(socketPath);
    t.after(() => socket.destroy());
    const size = 8 * 1024 * 1024;
    socket.write(`PUT /o HTTP/1.1\r\nContent-Length: ${size}\r\n\r\n`);
    await new Promise((resolve) => socket.write(Buffer.alloc(size, 'G'), resolve));
    socket.write('GET / HTTP/1.1\r\n\r\n');
    const text = await readUntil(socket, /next$/);
    assert.equal(countResponses(text), 2);
    assert.match(text, /^HTTP\/1\.1 403 [\s\S]*\{"Error":"no"\}HTTP\/1\.1 200 /);

    const old = connect(socketPath);
    old.write(`PUT /o HTTP/1.0\r\nContent-Length: ${size}\r\n\r\n`);
    await new Promise((resolve) => old.write(Buffer.alloc(size), resolve));
    assert.match(
      await readAll(old),
      /^HTTP\/1\.1 403 Forbidden\r\nContent-Type: application\/json\r\n\r\n\{"Error":"no"\}$/,
    );
  });

  test('requests sent at once are answered one after the other', async (t) => {
    const { socketPath } = await serve(t, 'order');
    const text = await send(socketPath, 'GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nConnection: close\r\n\r\n');
    const bodies = [...text.matchAll(/\r\n\r\n(\[[^\]]*\])/g)].map((match) => JSON.parse(match[1] ?? ''));
    const order = ['begin /1', 'end /1', 'begin /2', 'end /2'];
    assert.deepEqual(bodies, [order.slice(0, 2), order]);
  });

  test('what is no request is answered once and hung up on', async (t) => {
    const { socketPath } = await serve(t, 'reads');
    const cases: [string, RegExp][] = [
      ['nonsense\r\n\r\n', /501|400/],
      ['\x00\x01\x02\xff\r\n\r\n', /400|501/],
      ['BREW /pot HTTP/1.1\r\n\r\n', /501 Not Implemented[\s\S]*"method"/],
      ['CONNECT host:1 HTTP/1.1\r\n\r\n', /501/],
      ['GET / HTTP/2.7\r\n\r\n', /400/],
      ['GET / HTTP/1.1\r\nBad Header: x\r\n\r\n', /400 Bad Request[\s\S]*"syntax"/],
      ['GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n', /400/],
      [`GET / HTTP/1.1\r\nA: ${'x'.repeat(9000)}\r\n\r\n`, /400[\s\S]*"headers-too-large"/],
      [`GET /${'x'.repeat(9000)} HTTP/1.1\r\n\r\n`, /400[\s\S]*"headers-too-large"/],
      ['PUT / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde', /400/],
      ['PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', /400/],
      ['PUT / HTTP/1.1\r\nContent-Length: 1e1\r\n\r\n', /400/],
      [
        'PUT / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n',
        /400/,
      ],
      ['PUT / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n', /400/],
      ['PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nGET /smuggled HTTP/1.1\r\n\r\n', /400/],
      ['PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdGET /smuggled HTTP/1.1\r\n\r\n', /400/],
      ['PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\nContent-Length: 3\r\n\r\nabc', /400/],
    ];
    for (const [text, expected] of cases) {
      const response = await send(socketPath, text);
      assert.match(response, expected, text.slice(0, 60));
      assert.equal(countResponses(response), 1, text.slice(0, 60));
    }
    const asked = await send(socketPath, 'GET /asked HTTP/1.0\r\n\r\n');
    assert.match(asked, /\[[^\]]*\]$/);
    assert.doesNotMatch(asked, /smuggled/);
  });

  test('garbage after a good request does not spoil its answer', async (t) => {
    const { socketPath } = await serve(t, 'slow');
    const text = await send(socketPath, 'GET / HTTP/1.1\r\n\r\n\x01\x02\x03\r\n\r\n');
    assert.match(text, /^HTTP\/1\.1 200 [\s\S]*goodHTTP\/1\.1 [45]0[01] /);
    assert.equal(countResponses(text), 2);
  });

  test('a client that does not finish its header is told, one that only waits is hung up on', async (t) => {
    const { socketPath } = await serve(t, 'empty', {
      headerTimeout: 30,
      idleTimeout: 30,
    });
    assert.match(await send(socketPath, 'GET / HTTP/1.1\r\nA:'), /"timeout"/);
    assert.equal(await send(socketPath, ''), '');
    const text = await send(socketPath, 'GET / HTTP/1.1\r\n\r\n');
    assert.equal(countResponses(text), 1);
  });

  test('a body that stalls ends the connection and leaves no file', async (t) => {
    const { socketPath, directory } = await serve(t, 'saves', { idleTimeout: 30 });
    assert.equal(await send(socketPath, 'PUT /body HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf'), '');
    let failures = '[]';
    while (failures.endsWith('[]')) failures = await send(socketPath, 'GET /failures HTTP/1.0\r\n\r\n');
    assert.match(failures, /\["ECONNRESET"\]$/);
    assert.equal(existsSync(join(directory, 'body')), false);
  });

  test('readBody stops at its limit, announced or not', async (t) => {
    const { socketPath } = await serve(t, 'limited');
    const put = (rest: string) => send(socketPath, `PUT / HTTP/1.1\r\nConnection: close\r\n${rest}`);
    assert.match(await put('Content-Length: 4\r\n\r\nabcd'), /200[\s\S]*abcd$/);
    assert.match(await put('\r\n'), /200[\s\S]*\r\n\r\n$/);
    assert.match(await put('Content-Length: 5\r\n\r\nabcde'), /507[\s\S]*EFBIG$/);
    assert.match(await put('Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n'), /507[\s\S]*EFBIG$/);
    assert.match(await put('Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n'), /200[\s\S]*abcd$/);
  });

  test('saveBody writes every byte, in any chunking, and gives size and digest', async (t) => {
    const { socketPath, directory } = await serve(t, 'saves');
    for (const size of [0, 1, 65_536, 1024 * 1024, 5_000_001]) {
      const content = randomBytes(size);
      for (const chunked of [false, true]) {
        const upload = httpRequest({ socketPath, method: 'PUT', path: '/body', agent: false });
        if (!chunked) upload.setHeader('Content-Length', size);
        upload.end(content);
        const [response] = await once(upload, 'response');
        let text = '';
        for await (const part of response) text += part;
        const sha256 = digestOf(content);
        assert.deepEqual(JSON.parse(text), { size, sha256 });
        assert.deepEqual(readFileSync(join(directory, 'body')), content);
        assert.equal(statSync(join(directory, 'body')).mode & 0o777, 0o640);
      }
    }
  });

  test('3 MiB in tiny slices are stored whole, and nothing is answered before the last byte', async (t) => {
    const { socketPath, directory } = await serve(t, 'saves');
    const content = randomBytes(3 * 1024 * 1024);
    const socket = connect({ path: socketPath, noDelay: true });
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    socket.write(`PUT /body HTTP/1.1\r\nConnection: close\r\nContent-Length: ${content.length}\r\n\r\n`);
    const last = content.length - 1;
    for (let at = 0; at < last; ) {
      // Byte by byte at the beginning, at the end and about each MiB, where hosts may cut; odd sizes between.
      const beside = at % (1024 * 1024);
      const near = beside < 100 || beside > 1024 * 1024 - 100;
      const end = Math.min(last, near ? at + 1 : at + 4093, near ? last : at - beside + 1024 * 1024 - 99);
      await new Promise((resolve) => socket.write(content.subarray(at, end), resolve));
      await new Promise(setImmediate);
      at = end;
    }
    // Another client is answered meanwhile: the server has had its turn, and has said nothing here.
    assert.match(await send(socketPath, 'GET /failures HTTP/1.0\r\n\r\n'), /\[\]$/);
    assert.equal(answer, '');
    socket.write(content.subarray(last));
    await once(socket, 'close');
    assert.equal(countResponses(answer), 1);
    assert.ok(answer.endsWith(JSON.stringify({ size: content.length, sha256: digestOf(content) })), answer);
    assert.deepEqual(readFileSync(join(directory, 'body')), content);
  });

  test('a client that leaves in the middle of a large body leaves no file', async (t) => {
    const { socketPath, directory } = await serve(t, 'saves');
    for (const sent of [1024 * 1024 - 1, 2 * 1024 * 1024, 4_000_000]) {
      const socket = connect(socketPath);
      socket.on('error', () => {});
      socket.write('PUT /body HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n');
      await new Promise((resolve) => socket.write(Buffer.alloc(sent), resolve));
      socket.destroy();
    }
    let failures = '';
    while (!failures.endsWith('["ECONNRESET","ECONNRESET","ECONNRESET"]'))
      failures = await send(socketPath, 'GET /failures HTTP/1.0\r\n\r\n');
    assert.equal(existsSync(join(directory, 'body')), false);
  });

  test('saveBody leaves nothing when it is refused or cannot write', async (t) => {
    const { socketPath, directory } = await serve(t, 'saves');
    const put = async (target: string) => {
      const socket = connect(socketPath);
      socket.write(`PUT ${target} HTTP/1.1\r\nConnection: close\r\nContent-Length: 6000000\r\n\r\n`);
      socket.write(Buffer.alloc(6_000_000));
      return readAll(socket);
    };
    assert.equal(countResponses(await put('/refused')), 1);
    assert.equal(existsSync(join(directory, 'refused')), false);
    assert.equal(countResponses(await put('/no/such/directory')), 1);
    assert.match(await send(socketPath, 'GET /failures HTTP/1.0\r\n\r\n'), /\["EFBIG","ENOENT"\]$/);
  });

  test('a file is sent whole; HEAD gives its length; one that shrinks breaks the connection', async (t) => {
    const { socketPath, directory } = await serve(t, 'files');
    const content = randomBytes(3_000_001);
    writeFileSync(join(directory, 'file'), content);
    writeFileSync(join(directory, 'empty'), '');
    const get = (target: string) => send(socketPath, `GET ${target} HTTP/1.1\r\nConnection: close\r\n\r\n`);
    const text = await get('/file');
    assert.match(
      text,
      /^HTTP\/1\.1 200 OK\r\ncontent-type: application\/octet-stream\r\nDate: .*\r\nConnection: close\r\nContent-Length: 3000001\r\n\r\n/,
    );
    assert.ok(Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1').equals(content));
    assert.match(await get('/empty'), /Content-Length: 0\r\n\r\n$/);
    assert.match(await get('/missing'), /^HTTP\/1\.1 500 [\s\S]*\{"Error":"Internal Error"\}$/);
    const head = await send(socketPath, 'HEAD /file HTTP/1.1\r\nConnection: close\r\n\r\n');
    assert.match(head, /Content-Length: 3000001\r\n\r\n$/);
    const old = await send(socketPath, 'GET /file HTTP/1.0\r\n\r\n');
    assert.equal(
      old.length,
      'HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n\r\n'.length + content.length,
    );

    const socket = connect(socketPath);
    socket.pause();
    socket.write('GET /file HTTP/1.1\r\nConnection: close\r\n\r\n');
    await once(socket, 'readable');
    truncateSync(join(directory, 'file'), 10);
    const cut = await readAll(socket);
    assert.ok(cut.length < content.length);
  });

  test('Expect: 100-continue is answered when the body is wanted, and only then', async (t) => {
    const { socketPath } = await serve(t, 'expects');
    const head = 'Expect: 100-continue\r\nContent-Length: 4\r\n\r\n';
    const socket = connect(socketPath);
    t.after(() => socket.destroy());
    socket.write(`PUT /yes HTTP/1.1\r\n${head}`);
    await readUntil(socket, /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    socket.write('body');
    assert.match(await readUntil(socket, /body$/), /^HTTP\/1\.1 200 /);
    const refused = connect(socketPath);
    refused.write(`PUT /no HTTP/1.1\r\n${head}`);
    const text = await readUntil(refused, /no$/);
    assert.match(text, /^HTTP\/1\.1 400 [\s\S]*Connection: close/);
    refused.end();
  });

  test('a handler without an answer closes the connection; one that fails is a 500', async (t) => {
    const { socketPath } = await serve(t, 'fails');
    assert.equal(await send(socketPath, 'GET / HTTP/1.1\r\n\r\n'), '');
    assert.match(await send(socketPath, 'GET /fail HTTP/1.1\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 500 /);
  });

  test('the peer is the process that connected', async (t) => {
    const { socketPath } = await serve(t, 'peer');
    const text = await send(socketPath, 'GET / HTTP/1.0\r\n\r\n');
    assert.ok(text.endsWith(`${process.pid} ${process.getuid?.()}`), text);
  });

  test('at the limit of connections a waiting one makes room, a busy one does not', async (t) => {
    const { socketPath } = await serve(t, 'waits', { connections: 2 });
    const busy = connect(socketPath);
    const idle = connect(socketPath);
    t.after(() => busy.destroy());
    busy.write('GET /wait HTTP/1.1\r\n\r\n');
    idle.write('GET / HTTP/1.1\r\n\r\n');
    await readUntil(idle, /done$/);
    const evicted = once(idle, 'close');
    idle.resume();
    assert.match(await send(socketPath, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'), /done$/);
    await evicted;
    await send(socketPath, 'GET /release HTTP/1.1\r\nConnection: close\r\n\r\n');
    assert.match(await readUntil(busy, /done$/), /200/);
  });

  test('a thousand connections at once are all answered', async (t) => {
    // On a busy machine this process may take seconds to write to all of them, which is not what is tested.
    const { socketPath } = await serve(t, 'ok', { connections: 1024, headerTimeout: 60_000 });
    const texts = await Promise.all(
      Array.from({ length: 1000 }, () => send(socketPath, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')),
    );
    assert.equal(texts.filter((text) => text.endsWith('ok')).length, 1000);
  });

  test('the socket has its mode, replaces a stale one, and goes away on close', async (t) => {
    const { socketPath, directory, server } = await serve(t, 'empty');
    assert.equal(statSync(socketPath).mode & 0o777, 0o755);
    assert.ok(statSync(socketPath).isSocket());
    await server.close();
    assert.equal(existsSync(socketPath), false);
    writeFileSync(socketPath, 'stale');
    const request: ServingRequest = { behaviour: 'empty', directory, socketPath, mode: 0o600, limits };
    const again = await start(request);
    assert.equal(statSync(socketPath).mode & 0o777, 0o600);
    await again.close();
    await assert.rejects(start({ ...request, socketPath: `/tmp/${'ü'.repeat(52)}` }), {
      code: 'ENAMETOOLONG',
      message: /at most 107 bytes, this one has 109/,
    });
    await assert.rejects(start({ ...request, socketPath: '/nowhere/at/all/socket' }), { code: 'ENOENT' });
  });

  test('closing lets a request in progress finish', async (t) => {
    const { socketPath, server } = await serve(t, 'late');
    const idle = connect(socketPath);
    await once(idle, 'connect');
    const answer = send(socketPath, 'GET / HTTP/1.1\r\n\r\n');
    await send(socketPath, 'GET /begun HTTP/1.1\r\nConnection: close\r\n\r\n');
    const closed = server.close();
    idle.resume();
    await once(idle, 'close');
    assert.match(await answer, /Connection: close[\s\S]*late$/);
    await closed;
  });
}
