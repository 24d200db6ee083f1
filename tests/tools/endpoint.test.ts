/** The endpoint of a device: pvr, transactions over HTTP, logs and metadata, and who is turned away (appengine.md, part C). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { configPackage, sha256, spec, tgzOf } from '../../apps/device-tools/src/pvtx/testing/packages.ts';
import { EndpointBench } from '../harness/endpoint.ts';

const options = { timeout: 60_000 };
const checkout = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);
let bench: EndpointBench;
let rooms: EndpointBench['rooms'];
let folder: string;
let port: number;

before(async () => {
  bench = await EndpointBench.start();
  ({ rooms, folder, port } = bench);
});
after(() => bench.stop());
beforeEach(() => {
  rooms.runtime.caller = { kind: 'engine' };
  rooms.commands.answer = { ok: true };
  rooms.commands.submitted.length = 0;
});

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** One request; `fetch` does not let a test choose the name of the host. */
async function ask(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string | Uint8Array } = {},
): Promise<Reply> {
  const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
}

const asked = async (method: string, path: string, body?: string | Uint8Array) => {
  const reply = await ask(method, path, body === undefined ? {} : { body });
  assert.equal(reply.status, 200, `${method} ${path}: ${reply.body}`);
  return JSON.parse(reply.body);
};

const pvr = (argv: string[], cwd: string) =>
  run(join(checkout, 'apps/pvr/bin/pvr'), argv, {
    cwd,
    timeout: 50_000,
    env: { PATH: process.env.PATH, HOME: folder, PVR_DISABLE_SELF_UPGRADE: '1' },
  });

test('pvr clones the running revision, and posts another, which the device is told to run', options, async () => {
  await pvr(['clone', `http://127.0.0.1:${port}/cgi-bin/pvr`, 'mine'], folder);
  const mine = join(folder, 'mine');
  assert.deepEqual(JSON.parse(readFileSync(join(mine, '.pvr/json'), 'utf8')), spec);
  const content = randomBytes(300_000);
  mkdirSync(join(mine, '_config/app'), { recursive: true });
  writeFileSync(join(mine, '_config/app/data'), content);
  writeFileSync(join(mine, '_config/app/empty'), '');
  await pvr(['add', '.'], mine);
  await pvr(['commit'], mine);
  const { stderr, stdout } = await pvr(['post', '-m', 'over the wire'], mine);
  const [, revision] = /Successfully posted Revision (\S+)/.exec(stderr + stdout) ?? [];
  assert.match(revision ?? '', /^locals\/pvr-[0-9a-f]{8}-/, stderr);
  assert.deepEqual(rooms.commands.submitted.at(-1), { operation: 'LOCAL_RUN', payload: revision });
  const trail = join(folder, 'storage/trails', revision!);
  const state = JSON.parse(readFileSync(join(trail, '.pvr/json'), 'utf8'));
  assert.deepEqual(state, { ...spec, '_config/app/data': sha256(content), '_config/app/empty': sha256('') });
  assert.deepEqual(readFileSync(join(folder, 'storage/objects', sha256(content))), content);

  // What was posted can be had again, by its objects.
  const objects = `/cgi-bin/pvr/objects/${sha256(content)}`;
  const { 'signed-geturl': url, size } = await asked('GET', objects);
  assert.equal(size, '300000');
  const { pathname, search } = new URL(url);
  assert.equal((await ask('GET', pathname + search)).status, 200);
  for (const wrong of [search.replace(/signature=./, 'signature=x'), search.replace('size=3', 'size=4'), ''])
    assert.equal((await ask('GET', pathname + wrong)).status, 403);
  assert.equal((await ask('PUT', pathname + search, { body: 'x' })).status, 403);
  assert.equal((await ask('GET', `/cgi-bin/pvr/objects/${'0'.repeat(64)}`)).status, 404);
});

test('objects are announced once, come with their length, and with their content', options, async () => {
  const announce = async (content: string) =>
    ask('POST', '/cgi-bin/pvr/objects/', {
      body: JSON.stringify({ objectname: 'a', size: String(content.length), sha256sum: sha256(content) }),
    });
  const reply = await announce('an object');
  assert.equal(reply.status, 200);
  const { pathname, search } = new URL(JSON.parse(reply.body)['signed-puturl']);
  assert.equal((await ask('PUT', pathname + search, { body: 'too long for it' })).status, 400);
  assert.equal((await ask('PUT', pathname + search, { body: 'another!!' })).status, 422);
  assert.equal(
    (await ask('PUT', pathname + search, { headers: { 'transfer-encoding': 'chunked' }, body: 'x' })).status,
    411,
  );
  assert.equal(
    (
      await ask('PUT', pathname + search, {
        headers: { expect: '100-continue', 'content-length': '9' },
        body: 'an object',
      })
    ).status,
    200,
  );
  const again = await announce('an object');
  assert.deepEqual([again.status, again.headers['pantahub-object-type']], [409, 'object']);
  assert.equal((await ask('POST', '/cgi-bin/pvr/objects', { body: 'x'.repeat(70_000) })).status, 413);
  assert.equal((await ask('POST', '/cgi-bin/pvr/objects', { body: '[' })).status, 400);
});

test('a busy device is reported with the time to wait', options, async () => {
  rooms.commands.answer = { ok: false, code: 'update-ongoing' };
  const body = JSON.stringify({ state: spec, rev: -1 });
  const reply = await ask('POST', '/cgi-bin/pvr/post', { body });
  assert.deepEqual([reply.status, reply.headers['retry-after']], [503, '600']);
  assert.equal((await ask('POST', '/cgi-bin/pvtx/run?rev=0')).status, 503);
});

test('a named revision is posted, a state is put without being run, and what is none is refused', options, async () => {
  const posted = await asked(
    'POST',
    '/cgi-bin/pvr/post',
    JSON.stringify({ rev: 'locals/named', state: spec, 'commit-msg': 'ü'.repeat(200) }),
  );
  assert.deepEqual([posted.rev, posted.revlocal, posted['trail-id']], [-1, 'locals/named', 'local']);
  assert.equal(posted['state-sha'], sha256(JSON.stringify(spec)));
  rooms.commands.submitted.length = 0;
  const { revision } = await asked('PUT', '/cgi-bin/pvr/json', JSON.stringify(spec));
  assert.ok(existsSync(join(folder, 'storage/trails', revision)));
  assert.deepEqual(rooms.commands.submitted, []);
  for (const [body, status] of [
    ['{}', 400],
    ['nothing', 400],
    ['{"state":[]}', 422],
    ['{"state":{"#spec":"other"}}', 422],
    ['{"state":{},"rev":"../../etc"}', 400],
  ] as const)
    assert.equal((await ask('POST', '/cgi-bin/pvr/post', { body })).status, status, body);
});

test('a transaction over HTTP: begin, add, remove, commit, run, status', options, async () => {
  const none = await ask('GET', '/cgi-bin/pvtx/show');
  assert.deepEqual([none.status, none.body], [400, '{"error":"No active transaction.","transaction":null}']);
  for (const [method, path] of [
    ['PUT', 'add'],
    ['PUT', 'remove?part=x'],
    ['POST', 'commit'],
    ['POST', 'abort'],
  ] as const)
    assert.equal((await ask(method, `/cgi-bin/pvtx/${path}`)).status, 400, path);
  assert.deepEqual(await asked('POST', '/cgi-bin/pvtx/begin?empty=true'), spec);
  const made = configPackage('config', { '_config/app/a': 'one', '_config/app/b': 'two' }, ['_config/app/**']);
  assert.deepEqual(await asked('PUT', '/cgi-bin/pvtx/add', tgzOf(made)), made.state);
  const again = await ask('POST', '/cgi-bin/pvtx/begin');
  assert.equal(again.status, 400);
  assert.deepEqual(JSON.parse(again.body).transaction, made.state);
  const bad = await ask('PUT', '/cgi-bin/pvtx/add', { body: '{"a":' });
  assert.equal(bad.status, 400);
  assert.match(JSON.parse(bad.body).error, /cannot use the state/);
  assert.deepEqual(await asked('PUT', '/cgi-bin/pvtx/remove?part=_sigs%2Fconfig.json'), spec);
  await asked('PUT', '/cgi-bin/pvtx/add', tgzOf(made));
  const both = await Promise.all([1, 2].map(() => ask('POST', '/cgi-bin/pvtx/commit')));
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 400]);
  const { revision } = JSON.parse(both.find(({ status }) => status === 200)!.body);
  assert.match(revision, /^locals\/pvtx-\d+-[0-9a-f]{8}-\d+$/);
  assert.deepEqual(await asked('POST', `/cgi-bin/pvtx/run?rev=${revision}`), { status: 'ok' });
  assert.deepEqual(rooms.commands.submitted.at(-1), { operation: 'LOCAL_RUN', payload: revision });
  const { rev, progress } = await asked('GET', `/cgi-bin/pvtx/status?rev=${revision}`);
  assert.deepEqual([rev, progress.status], [revision, 'NEW']);
  assert.deepEqual(await asked('POST', '/cgi-bin/pvtx/begin'), spec);
  assert.deepEqual(await asked('POST', '/cgi-bin/pvtx/abort'), {});
});

test('metadata is shown and changed', options, async () => {
  assert.equal((await asked('POST', '/cgi-bin/pvtx/usermeta/save?key=app.colour', 'green'))['app.colour'], 'green');
  const { device, user } = await asked('GET', '/cgi-bin/pvtx/get-config');
  assert.equal(user['app.colour'], 'green');
  assert.equal(typeof device, 'object');
  assert.equal('app.colour' in (await asked('PUT', '/cgi-bin/pvtx/usermeta/delete?key=app.colour')), false);
  assert.equal((await ask('POST', '/cgi-bin/pvtx/usermeta/save')).status, 400);
});

test('logs are read from the beginning, from the end, and as they grow', options, async () => {
  const path = '/cgi-bin/logs?rev=0';
  assert.equal((await ask('GET', path)).body, 'one\ntwo\nthree\n');
  assert.equal((await ask('GET', `${path}&tailn=2`)).body, 'two\nthree\n');
  for (const [query, status] of [
    ['source=nothing', 404],
    ['source=../0', 400],
    ['rev=../x', 400],
    ['tailn=x', 400],
  ] as const)
    assert.equal((await ask('GET', `/cgi-bin/logs?rev=0&${query}`)).status, status, query);
  const sent = request({ host: '127.0.0.1', port, path: `${path}&tailn=1&follow=true`, agent: false }).end();
  const [answer] = await once(sent, 'response');
  const lines = createInterface({ input: answer })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'three');
  appendFileSync(join(folder, 'logs/0/pantavisor/pantavisor.log'), 'four\n');
  assert.equal((await lines.next()).value, 'four');
  sent.destroy();
});

test('pages of other sites are turned away, programs and the own page are not', options, async () => {
  const own = `127.0.0.1:${port}`;
  const path = '/cgi-bin/pvtx/status?rev=0';
  const cases: [string, string, Record<string, string>, number][] = [
    ['GET', path, {}, 200],
    ['GET', path, { host: `device.local:${port}` }, 200],
    ['GET', path, { host: 'device.example' }, 200],
    ['GET', path, { host: `[::1]:${port}` }, 200],
    ['GET', path, { host: 'attacker.example' }, 403],
    ['GET', path, { host: 'attacker.example.:80' }, 403],
    ['GET', path, { origin: `http://${own}`, 'sec-fetch-site': 'same-origin' }, 200],
    ['GET', path, { 'sec-fetch-site': 'none' }, 200],
    ['POST', '/cgi-bin/pvtx/begin', { origin: 'http://attacker.example' }, 403],
    ['POST', '/cgi-bin/pvtx/begin', { origin: 'null' }, 403],
    ['POST', '/cgi-bin/pvtx/begin', { origin: `https://${own}` }, 403],
    ['GET', path, { 'sec-fetch-site': 'cross-site' }, 403],
    ['GET', path, { 'sec-fetch-site': 'same-site' }, 403],
    ['GET', '/app/', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 200],
    ['GET', path, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 403],
    ['OPTIONS', path, { origin: 'http://attacker.example', 'access-control-request-method': 'PUT' }, 403],
  ];
  for (const [method, target, headers, status] of cases) {
    const reply = await ask(method, target, { headers });
    assert.equal(reply.status, status, `${method} ${target} ${JSON.stringify(headers)}: ${reply.body}`);
    assert.equal(reply.headers['access-control-allow-origin'], undefined);
  }
  const page = await ask('GET', '/app/');
  assert.match(page.body, /<title>Pantavisor device/);
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
  assert.equal((await ask('GET', '/')).headers.location, '/app/');
  for (const hidden of [
    '/app/../config.json',
    '/app/%2e%2e/config.json',
    '/app/no.js',
    '/config.json',
    '/cgi-bin/pvr/x',
  ])
    assert.equal((await ask('GET', hidden)).status, 404, hidden);
});

test('a container without the role mgmt gets nothing out of it', options, async () => {
  rooms.runtime.caller = { kind: 'container', name: 'app', mgmt: false };
  for (const [method, path] of [
    ['GET', '/cgi-bin/pvr/json'],
    ['GET', '/cgi-bin/pvtx/get-config'],
    ['GET', '/cgi-bin/pvtx/status'],
    ['POST', '/cgi-bin/pvtx/begin'],
    ['POST', '/cgi-bin/pvtx/run?rev=0'],
  ] as const)
    assert.equal((await ask(method, path)).status, 403, path);
  assert.deepEqual(rooms.commands.submitted, []);
});

test('what is no request is refused or dropped, and the next one is served', options, async () => {
  const send = async (bytes: string): Promise<string> => {
    const client = connect(port, '127.0.0.1');
    client.write(bytes, 'latin1');
    return text(client);
  };
  for (const [bytes, status] of [
    ['GARBAGE\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ] as const)
    assert.match(await send(bytes), new RegExp(`^HTTP/1.1 ${status} `), bytes.slice(0, 40));
  const both = await send(
    'GET /app/ HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
  );
  assert.match(both, /^HTTP\/1.1 200 OK\r\n[\s\S]*<title>[\s\S]*HTTP\/1.1 404 /);
});

test('many that only connect do not keep others out', options, async () => {
  const idle = Array.from({ length: 80 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  await Promise.all(idle.map((client) => once(client, 'connect')));
  assert.equal((await ask('GET', '/app/')).status, 200);
  for (const client of idle) client.destroy();
});
