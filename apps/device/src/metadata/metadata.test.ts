import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIpv6 } from '../host/ip-text.ts';
import { createMemoryHost, type MemoryHost } from '../host/memory/host.ts';
import type { Files } from '../host/ports.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { architecture } from './facts.ts';
import { interfacesJson } from './interfaces.ts';
import { containerPart, isStorableKey, MetadataMap, quote } from './map.ts';
import { MetadataStore } from './store.ts';

const view = '/run/pv/user-meta';
const directory = '/data/meta';

async function openStore(host: MemoryHost, said: string[] = []): Promise<MetadataStore> {
  await makeDirectories(host.files, '/run/pv');
  const log = (level: string, source: string, message: string) => void said.push(`${level} ${source} ${message}`);
  const store = new MetadataStore({ files: host.files, kind: 'user', directory, view, log });
  await store.open();
  return store;
}

const namesIn = async (files: Files, path: string) => (await files.list(path)).map(({ name }) => name);

test('the JSON form: newest first, objects as they are, numbers as text, nothing for empty values', () => {
  const map = new MetadataMap();
  map.set('a', '1');
  map.set('b', '{"x": [1, 2]}');
  map.set('c', '');
  map.set('d', '[not json');
  map.set('a', '2');
  assert.equal(map.json(), '{"d":"[not json","b":{"x": [1, 2]},"a":"2"}');
  assert.equal(quote('a"b\\c\n'), '"a\\u0022b\\u005Cc\\u000A"');
  assert.equal(new MetadataMap().json(), '{}');
});

test('whatever is set, the JSON form is JSON that says it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string({ minLength: 1 })), (pairs) => {
      const map = new MetadataMap();
      for (const [key, value] of Object.entries(pairs)) map.set(key, value);
      const parsed: Record<string, unknown> = JSON.parse(map.json());
      assert.deepEqual(Object.keys(parsed).sort(), Object.keys(pairs).sort());
      for (const [key, value] of Object.entries(pairs))
        assert.deepEqual(
          parsed[key],
          /^\s*[[{]/.test(value) && typeof parsed[key] === 'object' ? JSON.parse(value) : value,
        );
    }),
  );
});

test('a key belongs to the container before its first dot', () => {
  assert.deepEqual(containerPart('app.foo.bar'), { container: 'app', name: 'foo.bar' });
  for (const key of ['app', '.app', 'app.', 'a/b.c', 'a.b/c', 'a..b']) assert.equal(containerPart(key), undefined, key);
  assert.equal(isStorableKey('a.b'), true);
  for (const key of ['', '.', '..', '.x', 'a/b', 'a\0', 'x'.repeat(256)]) assert.equal(isStorableKey(key), false, key);
});

test('what is set is there after a power cut, and before the eyes of containers', async () => {
  const host = createMemoryHost();
  const store = await openStore(host);
  await store.set('app.colour', 'green');
  await store.set('plain', 'x');
  assert.equal(await host.files.readText(`${view}/app.colour`), 'green');
  assert.equal(await host.files.readText(`${view}.app/colour`), 'green');
  for (let seed = 1; seed <= 20; seed += 1) {
    const next = host.crash({ seed });
    const again = await openStore(next);
    assert.deepEqual(Object.fromEntries(again.entries()), { 'app.colour': 'green', plain: 'x' });
    assert.equal(await next.files.readText(`${view}.app/colour`), 'green');
  }
});

test('what is removed is gone everywhere, and stays gone', async () => {
  const host = createMemoryHost();
  const store = await openStore(host);
  await store.set('app.colour', 'green');
  assert.equal(await store.delete('app.colour'), true);
  assert.equal(await store.delete('app.colour'), false);
  assert.deepEqual(await namesIn(host.files, `${view}.app`), []);
  assert.deepEqual((await openStore(host.crash())).entries(), []);
});

test('what the device reports by itself is shown and costs the storage nothing', async () => {
  const host = createMemoryHost();
  const store = await openStore(host);
  const { effects } = host.machine;
  assert.equal(await store.report('storage', '{"total":1}'), true);
  assert.equal(await store.report('storage', '{"total":1}'), false);
  assert.equal(host.machine.effects, effects);
  assert.equal(await host.files.readText(`${view}/storage`), '{"total":1}');
  assert.deepEqual((await openStore(host.crash())).entries(), []);
});

test('a next runtime keeps the directories that containers have mounted, without what is no longer set', async () => {
  const host = createMemoryHost();
  const store = await openStore(host);
  await store.report('app.old', '1');
  await store.set('app.new', '2');
  const inode = (await host.files.status(`${view}.app`))?.inode;
  const next = host.restartRuntime();
  await openStore(next);
  assert.equal((await next.files.status(`${view}.app`))?.inode, inode);
  assert.deepEqual(await namesIn(next.files, `${view}.app`), ['new']);
});

test('subscribers hear of real changes only; a full list removes the rest', async () => {
  const store = await openStore(createMemoryHost());
  const heard: string[] = [];
  store.subscribe(({ key, value }) => heard.push(`${key}=${value}`));
  await store.set('a', '1');
  await store.set('a', '1');
  await store.set('b', '2');
  await store.replace([
    ['b', '2'],
    ['c', '3'],
  ]);
  assert.deepEqual(heard, ['a=1', 'b=2', 'c=3', 'a=undefined']);
  assert.equal(store.json(), '{"c":"3","b":"2"}');
});

test('two clients that race lose nothing', async () => {
  const host = createMemoryHost();
  const store = await openStore(host);
  await Promise.all(Array.from({ length: 50 }, (_, index) => store.set(`key${index % 25}`, String(index))));
  assert.equal(store.entries().length, 25);
  const kept = await openStore(host.crash());
  assert.deepEqual(new Map(kept.entries()), new Map(store.entries()));
});

test('a storage that takes no more is an error of the caller, and nothing has changed', async () => {
  const host = createMemoryHost();
  const store = await openStore(host);
  host.machine.faults.push({ operation: 'sync', path: /data/, code: 'ENOSPC', times: 1 });
  await assert.rejects(store.set('a', '1'), { code: 'ENOSPC' });
  assert.equal(store.get('a'), undefined);
  assert.equal(await store.set('a', '1'), true);
});

test('files that are too large or hidden are no metadata', async () => {
  const host = createMemoryHost();
  await makeDirectories(host.files, directory);
  await host.files.write(`${directory}/big`, 'x'.repeat(4097));
  await host.files.write(`${directory}/.hidden`, 'x');
  await host.files.write(`${directory}/good`, 'x'.repeat(4096));
  const said: string[] = [];
  const store = await openStore(host, said);
  assert.deepEqual(
    store.entries().map(([key]) => key),
    ['good'],
  );
  assert.match(said.join(), /big: it is larger than 4096/);
});

test('interfaces by the order of their numbers, with every family', async () => {
  const { files } = createMemoryHost();
  for (const [name, index, mac] of [
    ['lo', 1, '00:00:00:00:00:00'],
    ['wlan0', 3, '02:00:00:00:00:03'],
    ['eth0', 2, '52:54:00:12:34:56'],
  ] as const) {
    await makeDirectories(files, `/sys/class/net/${name}`);
    await files.write(`/sys/class/net/${name}/ifindex`, `${index}\n`);
    await files.write(`/sys/class/net/${name}/address`, `${mac}\n`);
  }
  await makeDirectories(files, '/proc/net');
  const head = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n';
  await files.write(
    '/proc/net/route',
    `${head}eth0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\neth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`,
  );
  await files.write(
    '/proc/net/fib_trie',
    'Local:\n  |-- 10.0.2.15\n     /32 host LOCAL\n  |-- 10.0.2.255\n     /32 link BROADCAST\n  |-- 127.0.0.1\n     /32 host LOCAL\n',
  );
  await files.write(
    '/proc/net/if_inet6',
    '00000000000000000000000000000001 01 80 10 80       lo\nfe80000000000000505400fffe123456 02 40 20 80     eth0\n',
  );
  assert.deepEqual(Object.entries(JSON.parse(await interfacesJson(files))), [
    ['lo.ipv4', ['127.0.0.1']],
    ['lo.ipv6', ['::1']],
    ['eth0.mac', ['52:54:00:12:34:56']],
    ['eth0.ipv4', ['10.0.2.15']],
    ['eth0.ipv6', ['fe80::5054:ff:fe12:3456%eth0']],
    ['wlan0.mac', ['02:00:00:00:00:03']],
  ]);
});

test('IPv6 addresses in their shortest form', () => {
  for (const [hex, text] of [
    ['00000000000000000000000000000000', '::'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000100000000000000000000', '2001:db8:1::'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['00010000000000000000000000000010', '1::10'],
  ] as const)
    assert.equal(formatIpv6(hex), text);
});

test('architectures with their width and byte order', () => {
  assert.equal(architecture('aarch64'), 'aarch64/64/EL');
  assert.equal(architecture('armv7l'), 'armv7l/32/EL');
  assert.equal(architecture('mips'), 'mips/32/EB');
  assert.equal(architecture('ppc64le'), 'ppc64le/64/EL');
});
