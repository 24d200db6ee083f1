/** What every implementation of the port `HttpClient` promises, asked of the servers of `http-client-servers.ts`. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HttpCall, HttpClient } from '../http-client.ts';
import type { Files, TextCoding } from '../ports.ts';
import { type Fixture, on, refused, timeLimit } from './expectations.ts';

/** Where the servers listen, all of them on `localhost`. */
export interface HttpServers {
  plain: number;
  /** Servers under TLS by what their certificate is. */
  good: number;
  otherName: number;
  expired: number;
  stranger: number;
  /** A proxy, in the clear, that passes on to `localhost` only. */
  proxy: number;
  /** A port that nobody listens on. */
  nobody: number;
  /** A port where calls ring, and nobody picks up. */
  ringing: number;
  /** PEM of the authority that signed all but the stranger's. */
  authorities: string;
  /** Length and SHA-256 of `/file`. */
  file: { size: number; sha256: string };
}

export interface HttpClientFixture extends Fixture {
  client: HttpClient;
  files: Files;
  text: TextCoding;
  /** An empty directory. */
  directory: string;
  servers: HttpServers;
}

/**
 * Registers the tests of the port `HttpClient`.
 * @param name of the implementation
 * @param create a fresh fixture for each test
 */
export function testHttpClient(name: string, create: () => Promise<HttpClientFixture>): void {
  const test = (title: string, body: (fixture: HttpClientFixture) => Promise<void>) =>
    it(title, { timeout: timeLimit }, on(create, body));
  const call = (url: string, more: Partial<HttpCall> = {}): HttpCall => ({
    method: 'GET',
    url,
    headers: {},
    idleTimeout: 10_000,
    ...more,
  });
  const always = async () => true;
  describe(`http client: ${name}`, () => {
    test('sends method, headers and bodies, and reads answers of every framing', async (fixture) => {
      const { client, servers, text, files, directory } = fixture;
      const base = `http://localhost:${servers.plain}`;
      const bytes = new Uint8Array(300_000).fill(97);
      await files.write(`${directory}/body`, bytes);
      for (const body of ['é😀', bytes, { file: `${directory}/body` }]) {
        const sent = call(`${base}/echo?a=b`, { method: 'PUT', headers: { 'x-one': 'first' }, body });
        const answer = await client.request(sent, 1_000_000);
        const length = typeof body === 'string' ? 6 : bytes.length;
        const [head, content] = text.decode(answer.body).split('\n') as [string, string];
        assert.equal(answer.status, 201);
        assert.equal(answer.headers['x-answer'], 'yes');
        assert.match(answer.server ?? '', new RegExp(`^(127\\.0\\.0\\.1|::1):${servers.plain}$`));
        assert.equal(head, `PUT /echo?a=b localhost:${servers.plain} first ${length}`);
        assert.equal(content.length, typeof body === 'string' ? 3 : length);
      }
      for (const path of ['/length', '/chunked', '/until-end']) {
        const answer = await client.request(call(base + path), 100);
        assert.equal(text.decode(answer.body), 'answer', path);
      }
      assert.equal((await client.request(call(`${base}/nothing`, { method: 'POST' }), 0)).status, 204);
      assert.equal((await client.request(call(`${base}/moved`), 100)).headers.location, '/length');
    });
    test('tells what went wrong', async ({ client, servers }) => {
      const base = `http://localhost:${servers.plain}`;
      const fails = (url: string, code: string, more: Partial<HttpCall> = {}) =>
        refused(client.request(call(url, more), 4), code);
      await fails(`${base}/length`, 'EFBIG');
      await fails(`${base}/chunked`, 'EFBIG');
      await fails(`${base}/cut`, 'ECONNRESET');
      await fails(`${base}/garbage`, 'EPROTO');
      await fails(`${base}/silent`, 'ETIMEDOUT', { idleTimeout: 100 });
      await fails(`http://localhost:${servers.nobody}/`, 'ECONNREFUSED');
      await fails(`http://127.0.0.1:${servers.ringing}/`, 'ETIMEDOUT', { idleTimeout: 100 });
      const proxy = { host: '127.0.0.1', port: servers.ringing, tunnel: true };
      await fails('https://localhost/', 'ETIMEDOUT', { idleTimeout: 100, proxy });
      await fails(`https://localhost:${servers.plain}/`, 'EPROTO', { authorities: servers.authorities });
    });
    test('believes only certificates of its authorities, for the right name, at the right time', async (fixture) => {
      const { client, servers, text } = fixture;
      const { authorities } = servers;
      const secure = (port: number, more: Partial<HttpCall> = { authorities }) =>
        client.request(call(`https://localhost:${port}/length`, more), 100);
      assert.equal(text.decode((await secure(servers.good)).body), 'answer');
      await refused(secure(servers.otherName), 'ECERT');
      await refused(secure(servers.expired), 'ECERT');
      await refused(secure(servers.stranger), 'ECERT');
      await refused(secure(servers.good, {}), 'ECERT');
      await refused(secure(servers.good, { authorities: 'no certificate' }), 'ECERT');
    });
    test('goes through a proxy, by name or in a tunnel, and the certificate is still the server’s', async (fixture) => {
      const { client, servers, text } = fixture;
      const { authorities, plain, good, otherName } = servers;
      const proxy = { host: 'localhost', port: servers.proxy, tunnel: true };
      const clear = await client.request(call(`http://localhost:${plain}/length`, { proxy }), 100);
      assert.deepEqual([text.decode(clear.body), clear.headers.via], ['answer', '1.1 proxy']);
      const secure = (url: string, more: Partial<HttpCall> = {}) =>
        client.request(call(url, { authorities, proxy, ...more }), 1000);
      assert.equal(text.decode((await secure(`https://localhost:${good}/length`)).body), 'answer');
      await refused(secure(`https://localhost:${otherName}/length`), 'ECERT');
      await refused(secure('https://elsewhere.example/'), 'EPROXY');
      const nobody = { ...proxy, port: servers.nobody };
      await refused(secure(`https://localhost:${good}/length`, { proxy: nobody }), 'ECONNREFUSED');
      // The other kind: TLS with the proxy itself, which is told the whole address.
      const itself = { host: 'localhost', port: good, tunnel: false };
      const echo = { method: 'PUT', body: 'x', headers: { 'x-one': '1' }, proxy: itself };
      const answer = await secure('https://localhost:1/echo', echo);
      assert.match(text.decode(answer.body), /^PUT https:\/\/localhost:1\/echo localhost:1 1 1\n/);
    });
    test('takes an answer piece by piece as it comes, and hangs up when it is told to', async ({ client, servers }) => {
      const base = `http://localhost:${servers.plain}`;
      const ask = (path: string) => client.request(call(base + path, { method: 'POST' }), 100);
      for (const end of ['close', '/end'] as const) {
        const pieces: string[] = [];
        let more = Promise.withResolvers<void>();
        const stream = client.stream(call(`${base}/stream`), {
          open: ({ status }) => status === 200,
          bytes: (piece) => {
            pieces.push(String.fromCharCode(...piece));
            more.resolve();
          },
        });
        await more.promise;
        assert.deepEqual(pieces, ['one']);
        more = Promise.withResolvers();
        await ask('/more');
        await more.promise;
        assert.deepEqual(pieces, ['one', 'two']);
        if (end === 'close') stream.close();
        else await ask(end);
        await stream.ended;
        stream.close();
      }
      const heads: number[] = [];
      const look = (path: string, more: Partial<HttpCall> = {}) =>
        client.stream(call(base + path, more), {
          open: ({ status }) => heads.push(status) === 0,
          bytes: () => assert.fail('nobody wanted the body'),
        }).ended;
      await look('/missing');
      assert.deepEqual(heads, [404]);
      await refused(look('/silent', { idleTimeout: 100 }), 'ETIMEDOUT');
      await refused(look('/garbage'), 'EPROTO');
      const early = client.stream(call(`${base}/silent`), { open: () => true, bytes: () => {} });
      early.close();
      await early.ended;
    });
    test('downloads into a file, goes on where it was cut, and starts anew when that is of no use', async (fixture) => {
      const { client, servers, files, directory } = fixture;
      const path = `${directory}/object`;
      const { authorities, file } = servers;
      const wanted = (name: string) => ({
        url: `https://localhost:${servers.good}${name}`,
        headers: {},
        idleTimeout: 10_000,
        authorities,
        path,
        mode: 0o600,
        admit: always,
      });
      const whole = { complete: true, ...file };
      assert.deepEqual(await client.download(wanted('/file')), whole);
      assert.equal(await files.digest(path), file.sha256);
      assert.equal((await files.status(path))?.mode, 0o600);
      await files.write(path, (await files.read(path)).subarray(0, 100_001));
      assert.deepEqual(await client.download(wanted('/file')), whole);
      // A whole file cannot go on: the server says so, and it is fetched again.
      assert.deepEqual(await client.download(wanted('/file')), whole);
      assert.deepEqual(await client.download(wanted('/file-without-ranges')), whole);
      await files.unlink(path);
      await refused(client.download(wanted('/cut-file')), 'ECONNRESET');
      const kept = (await files.status(path))?.size ?? 0;
      assert.ok(kept > 0 && kept <= 150_000, `${kept} bytes are kept`);
      assert.deepEqual(await client.download(wanted('/file')), whole);
      await files.unlink(path);
      const refusing = { ...wanted('/file'), admit: async (total: number) => total < 200_000 };
      await refused(client.download(refusing), 'EFBIG', path);
      const answer = await client.download({ ...wanted('/missing'), path: `${directory}/missing` });
      assert.ok(!answer.complete && answer.status === 404);
      assert.equal(await files.status(`${directory}/missing`), undefined);
      await refused(client.download({ ...wanted('/file'), path: '/no/such/place' }), 'ENOENT', '/no/such/place');
    });
  });
}
