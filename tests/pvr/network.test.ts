import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { startFakeHub } from '../../apps/pvr/src/testing/fake-hub.ts';
import { makeWorkspace } from '../../apps/pvr/src/testing/workspace.ts';
import { makeImage, must, skipWithoutRegistry, startRegistry } from './real-registry.ts';

const timeout = 120_000;

async function listen(context: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Serves files by name; `breakOff` ends a connection in the middle, once for each name. */
async function serveFiles(context: TestContext, files: Map<string, Buffer>): Promise<string> {
  const broken = new Set<string>();
  return listen(
    context,
    createServer((incoming, answer) => {
      const name = decodeURIComponent((incoming.url ?? '').slice(1));
      const content = files.get(name);
      if (!content) {
        answer.writeHead(404).end('no such file');
        return;
      }
      const from = Number(/^bytes=(\d+)-$/.exec(incoming.headers.range ?? '')?.[1] ?? 0);
      answer.writeHead(from > 0 ? 206 : 200, { 'content-length': content.length - from });
      if (broken.has(name) || content.length < 1000) answer.end(content.subarray(from));
      else {
        broken.add(name);
        answer.write(content.subarray(0, content.length / 2), () => answer.destroy());
      }
    }),
  );
}

test('an app comes from the address of a root file system, over a connection that breaks', {
  timeout,
}, async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init']);
  space.write({ 'rootfs/etc/greeting': 'hello', 'rootfs/usr/large': 'x'.repeat(200_000) }, '../home');
  must('tar', ['-C', join(space.home, 'rootfs'), '-czf', join(space.home, 'rootfs.tar.gz'), '.']);
  const archive = readFileSync(join(space.home, 'rootfs.tar.gz'));
  const url = await serveFiles(
    context,
    new Map([
      ['rootfs.tar.gz', Buffer.concat([archive, Buffer.alloc(1024)])],
      ['page.html', Buffer.from('<html>not found</html>')],
    ]),
  );
  await space.ok(['app', 'add', 'web', '--type', 'rootfs', '--from', `${url}/rootfs.tar.gz`]);
  const image = space.path('web/root.squashfs');
  assert.equal(must('unsquashfs', ['-cat', image, 'etc/greeting']), 'hello');
  const source = JSON.parse(readFileSync(space.path('web/src.json'), 'utf8'));
  assert.equal(source.rootfs_url, `${url}/rootfs.tar.gz`);
  const digest = `sha256:${createHash('sha256').update(readFileSync(image)).digest('hex')}`;
  assert.equal(source.rootfs_digest, digest);
  assert.equal(readFileSync(space.path('web/root.squashfs.rootfs-digest'), 'utf8'), digest);

  rmSync(image);
  await space.ok(['app', 'install', 'web']);
  assert.equal(`sha256:${createHash('sha256').update(readFileSync(image)).digest('hex')}`, digest);
  for (const name of ['page.html', 'missing.tar']) {
    const { code, err } = await space.run(['app', 'add', 'none', '--type', 'rootfs', '--from', `${url}/${name}`]);
    assert.equal(code, 3, name);
    assert.match(err, /cannot (use|get|unpack)/);
  }
  for (const option of [['--base', 'web'], ['--patch'], ['--newbase']]) {
    const { code, err } = await space.run(['app', 'update', 'web', ...option]);
    assert.equal(code, 3, err);
    assert.match(err, new RegExp(`cannot use ${option[0]} with the app web: it is made from rootfs`));
  }
  const over = await space.run([
    'app',
    'add',
    'over',
    '--type',
    'rootfs',
    '--from',
    `${url}/rootfs.tar.gz`,
    '--base',
    'web',
  ]);
  assert.equal(over.code, 3, over.err);
  assert.deepEqual(JSON.parse(await space.ok(['app', 'ls', '--json'])), ['web']);
});

test('an export behind an address is merged, got and inspected, but not posted to', { timeout }, async (context) => {
  const space = makeWorkspace(context);
  space.write({ 'a/bsp/kernel': 'k'.repeat(3000), 'a/bsp/run.json': { a: 1 }, 'a/other/f': 'f' });
  for (const argv of [['init'], ['add', '.'], ['commit'], ['export', '../release.pvrexport.tgz']])
    await space.ok(argv, 'a');
  const archive = readFileSync(space.path('release.pvrexport.tgz'));
  const url = await serveFiles(
    context,
    new Map([
      ['release.pvrexport.tgz', archive],
      ['cut.tgz', archive.subarray(0, archive.length / 2)],
    ]),
  );
  mkdirSync(space.path('b'));
  await space.ok(['init', '-o', 'pool'], 'b');
  await space.ok(['merge', `${url}/release.pvrexport.tgz#bsp`], 'b');
  await space.ok(['checkout'], 'b');
  assert.equal(readFileSync(space.path('b/bsp/kernel'), 'utf8').length, 3000);
  assert.deepEqual(Object.keys(JSON.parse(await space.ok(['inspect', '--json', `${url}/release.pvrexport.tgz`]))), [
    '#spec',
    'bsp/kernel',
    'bsp/run.json',
    'other/f',
  ]);
  const config = JSON.parse(readFileSync(space.path('b/.pvr/config'), 'utf8'));
  assert.deepEqual([config.DefaultPostUrl, config.DefaultPutUrl], ['', '']);
  assert.match((await space.run(['post', `${url}/release.pvrexport.tgz`], 'b')).err, /it is a directory or an export/);
  const cut = await space.run(['get', `${url}/cut.tgz`], 'b');
  assert.equal(cut.code, 3);
  assert.match(cut.err, /cannot read the export http.*cut\.tgz/);
  assert.match((await space.run(['get', `${url}/none.tgz`], 'b')).err, /answered 404/);
  await space.ok(['get', space.path('a'), '.'], 'b');
  await space.ok(['get', `${space.path('a')}#other`, '../b'], 'a');
  assert.equal(await space.ok(['push', '../kept'], 'a'), '');
  await space.ok(['clone', '../kept', '../again'], 'a');
});

test('calls go through a proxy, except where none is wanted', { timeout }, async (context) => {
  const hub = await startFakeHub(context, { open: true });
  const seen: string[] = [];
  const proxy = createServer((incoming, answer) => {
    seen.push(incoming.url ?? '');
    const passed = request(incoming.url!, { method: incoming.method, headers: incoming.headers }, (reply) => {
      answer.writeHead(reply.statusCode!, reply.headers);
      reply.pipe(answer);
    });
    incoming.pipe(passed);
  });
  proxy.on('connect', (incoming, client) => {
    seen.push(`CONNECT ${incoming.url}`);
    const { hostname, port } = new URL(`http://${incoming.url}`);
    const server = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    server.on('error', () => client.destroy());
    client.on('error', () => server.destroy());
  });
  const address = await listen(context, proxy);
  const space = makeWorkspace(context);
  const inspect = ['inspect', '--json', `${hub.url}/trail`];
  await space.ok(['--http-proxy', address, ...inspect]);
  const count = seen.length;
  assert.ok(count >= 2, `the proxy saw ${seen.join(', ')}`);
  await space.ok(['--http-proxy', 'no', ...inspect], '.', { HTTP_PROXY: address, http_proxy: address });
  await space.ok(inspect, '.', { http_proxy: address, no_proxy: '127.0.0.1' });
  assert.equal(seen.length, count);
  await space.ok(inspect, '.', { http_proxy: address });
  assert.ok(seen.length > count);
  assert.equal((await space.run(['--http-proxy', 'http://127.0.0.1:1', ...inspect])).code, 3);
});

test('a registry with a certificate of its own is trusted when its authority is', {
  skip: skipWithoutRegistry(),
  timeout,
}, async (context) => {
  const registry = await startRegistry(context, undefined, true);
  const image = makeImage(registry.directory, 'layout', 'secure');
  await registry.push(image, 'web:v1', 'oci');
  const space = makeWorkspace(context);
  await space.ok(['init']);
  const add = ['app', 'add', '--force', '--source', 'remote', '--from', `${registry.host}/web:v1`, 'web'];
  const stranger = await space.run(add);
  assert.equal(stranger.code, 3);
  const folder = join(space.home, '.config/containers/certs.d', registry.host);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'ca.crt'), readFileSync(registry.certificate!));
  await space.ok(add);
  rmSync(folder, { recursive: true });
  await space.ok(add, '.', { NODE_EXTRA_CA_CERTS: registry.certificate! });
  await space.ok([...add, '--insecure']);
  assert.equal(must('unsquashfs', ['-cat', space.path('web/root.squashfs'), 'etc/greeting']), 'secure');
});
