import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, type TestContext, test } from 'node:test';
import { selfSigned } from '../../../../hub/src/tls.ts';
import { HostError } from '../ports.ts';
import { testHttpClient } from '../testing/http-client.ts';
import { startHttpServers } from '../testing/http-client-servers.ts';
import { createFiles } from './files.ts';
import { createHttpClient } from './http-client.ts';
import { createText } from './text.ts';

const client = createHttpClient();
const idleTimeout = 5000;
const digest = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

const serve = async (t: TestContext, handler: RequestListener) =>
  `http://127.0.0.1:${await listen(t, createServer(handler))}`;

function temporary(t: TestContext): string {
  const directory = mkdtempSync('/tmp/http-client-');
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const code = (expected: string) => (error: unknown) => error instanceof HostError && error.code === expected;

test('requests go out as they are, answers come back whole', { timeout: 20_000 }, async (t) => {
  const file = `${temporary(t)}/body`;
  writeFileSync(file, 'from a file');
  const url = await serve(t, async (request, response) => {
    const chunks = await request.toArray();
    const { method, url: target, headers } = request;
    response.writeHead(404, { 'x-twice': ['a', 'b'] });
    response.end(JSON.stringify([method, target, headers['x-one'], headers['content-length'], `${chunks.join('')}`]));
  });
  const call = { method: 'PUT', url: `${url}/a?b=c`, headers: { 'x-one': '1' }, body: { file }, idleTimeout };
  const { status, headers, body } = await client.request(call, 1000);
  assert.equal(status, 404);
  assert.equal(headers['x-twice'], 'a, b');
  assert.deepEqual(JSON.parse(Buffer.from(body).toString()), ['PUT', '/a?b=c', '1', '11', 'from a file']);
  await assert.rejects(client.request(call, 10), code('EFBIG'));
});

test('a server that is not there, says nothing or goes away is told apart', { timeout: 20_000 }, async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/cut')
      response.writeHead(200, { 'content-length': '10' }).write('half', () => request.socket.destroy());
    if (request.url === '/garbage') request.socket.end('not http\r\n\r\n');
  });
  const ask = (target: string) => client.request({ method: 'GET', url: target, headers: {}, idleTimeout: 200 }, 1000);
  await assert.rejects(ask(`${url}/silent`), code('ETIMEDOUT'));
  await assert.rejects(ask(`${url}/cut`), code('ECONNRESET'));
  await assert.rejects(ask(`${url}/garbage`), code('EPROTO'));
  await assert.rejects(ask('http://127.0.0.1:1/'), code('ECONNREFUSED'));
});

test('only certificates of trusted authorities are accepted', { timeout: 20_000 }, async (t) => {
  const { cert, key } = await selfSigned(['127.0.0.1']);
  const port = await listen(
    t,
    createTlsServer({ cert, key }, (_, response) => response.end('safe')),
  );
  const call = { method: 'GET', url: `https://127.0.0.1:${port}/`, headers: {}, idleTimeout };
  await assert.rejects(client.request(call, 1000), code('ECERT'));
  const { body } = await client.request({ ...call, authorities: cert }, 1000);
  assert.equal(Buffer.from(body).toString(), 'safe');
  const other = await selfSigned(['127.0.0.1']);
  await assert.rejects(client.request({ ...call, authorities: other.cert }, 1000), code('ECERT'));
});

test('a download that was cut goes on where it was; one that cannot begins anew', { timeout: 20_000 }, async (t) => {
  const content = randomBytes(8_000_000);
  const path = `${temporary(t)}/part`;
  const asked: (string | undefined)[] = [];
  let cutAt = 4_000_000;
  let ranges = true;
  const url = await serve(t, (request, response) => {
    const { range } = request.headers;
    asked.push(range);
    const start = ranges ? Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0) : 0;
    if (start >= content.length) {
      response.writeHead(416).end();
      return;
    }
    const length = String(content.length - start);
    const partial = {
      'content-length': length,
      'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
    };
    if (start > 0) response.writeHead(206, partial);
    else response.writeHead(200, { 'content-length': length });
    const end = Math.min(content.length, start + cutAt);
    if (end === content.length) response.end(content.subarray(start));
    else response.write(content.subarray(start, end), () => request.socket.destroySoon());
  });
  const download = () => client.download({ url, headers: {}, path, mode: 0o644, idleTimeout, admit: async () => true });
  await assert.rejects(download(), code('ECONNRESET'));
  const have = readFileSync(path).length;
  assert.ok(have > 0 && have <= 4_000_000, `${have} bytes`);
  cutAt = content.length;
  const whole = { complete: true, size: content.length, sha256: digest(content) };
  assert.deepEqual(await download(), whole);
  assert.deepEqual(asked, [undefined, `bytes=${have}-`]);
  assert.deepEqual(await download(), whole, 'what is whole already is fetched once more');
  ranges = false;
  writeFileSync(path, content.subarray(0, 10));
  assert.deepEqual(await download(), whole, 'a server without ranges');
});

test('a download says why there is none, and stops when it is refused', { timeout: 20_000 }, async (t) => {
  const path = `${temporary(t)}/part`;
  const url = await serve(t, (request, response) => {
    if (request.url === '/gone') response.writeHead(403, { 'x-why': 'expired' }).end('no');
    else response.end('too much');
  });
  const call = { headers: {}, path, mode: 0o644, idleTimeout };
  const gone = await client.download({ ...call, url: `${url}/gone`, admit: async () => true });
  assert.ok(!gone.complete && gone.status === 403 && gone.headers['x-why'] === 'expired');
  await assert.rejects(client.download({ ...call, url: `${url}/`, admit: async () => false }), code('EFBIG'));
});

let servers: Awaited<ReturnType<typeof startHttpServers>> | undefined;
before(async () => {
  servers = await startHttpServers();
});
after(() => servers?.close());

testHttpClient('node', async () => {
  const directory = mkdtempSync('/tmp/http-client-');
  const dispose = async () => rmSync(directory, { recursive: true, force: true });
  assert.ok(servers);
  return { client, files: createFiles(), text: createText(), directory, servers: servers.servers, dispose };
});
