import assert from 'node:assert/strict';
import test from 'node:test';
import { timeAgo } from './devices.ts';
import { readDuration, readLogTarget, readTime } from './log-query.ts';
import { logFormatter } from './log-template.ts';
import { ServiceCatalogue } from './scan.ts';
import { readChallenge } from './session.ts';

test('log targets name devices, sources, levels and platforms', () => {
  assert.deepEqual(readLogTarget('5d555d5e80123b31faa3cff2,nick/pantavisor.log,b@INFO,WARN#web'), {
    devices: 'prn:::devices:/5d555d5e80123b31faa3cff2,nick',
    sources: '/pantavisor.log,/b',
    levels: 'INFO,WARN',
    platforms: 'web',
  });
  assert.deepEqual(readLogTarget('#web'), { devices: '', sources: '', levels: '', platforms: 'web' });
});

test('times are dates, RFC 3339 or durations', () => {
  const base = new Date('2026-02-01T00:00:00Z');
  assert.equal(readDuration('P1DT2H'), 93_600_000);
  assert.equal(readDuration('P'), undefined);
  assert.equal(readTime('PT1H', base, -1).toISOString(), '2026-01-31T23:00:00.000Z');
  assert.equal(readTime('2026-01-06', base, -1).toISOString(), '2026-01-06T00:00:00.000Z');
  assert.equal(readTime('2026-01-06T12:54:10+05:30', base, -1).toISOString(), '2026-01-06T07:24:10.000Z');
  assert.throws(() => readTime('yesterday', base, -1), /cannot understand the time/);
});

const entry = {
  id: '1',
  dev: 'prn:::devices:/5d555d5e80123b31faa3cff2',
  own: '',
  'time-created': '2026-05-01T20:28:28Z',
  rev: '7',
  plat: 'linux',
  src: '/pantavisor.log',
  lvl: 'INFO',
  msg: 'text',
};

test('log entries take the form that is asked for', () => {
  assert.equal(logFormatter('short')(entry), '5d555d5e80(7) May  1 20:28:28 linux(pantavisor.log): text');
  assert.equal(
    logFormatter('{{.LogLevel | lower}}:{{ .LogText | sprintf "%6s" }}|{{.TimeCreated | timeformat "Kitchen"}}')(entry),
    'info:  text|8:28PM',
  );
  assert.deepEqual(JSON.parse(logFormatter('json')(entry)), entry);
  assert.throws(() => logFormatter('{{.Nothing}}'), /no field \.Nothing/);
  assert.throws(() => logFormatter('{{.LogText | explode}}'), /no function explode/);
});

test('challenges of hubs are read, others are not', () => {
  assert.deepEqual(readChallenge('JWT realm="pantahub services", ph-aeps="https://h/auth,https://x/auth"'), {
    endpoint: 'https://h/auth',
    realm: 'pantahub services',
    rejected: false,
  });
  assert.equal(readChallenge('Bearer realm="r", error="expired", ph-aeps="https://h/auth"')?.rejected, true);
  for (const other of [undefined, 'Basic realm="x"', 'JWT realm="x"', 'JWT ph-aeps="file:///x", realm="y"'])
    assert.equal(readChallenge(other), undefined);
});

test('devices in the network are put together from their records', () => {
  const catalogue = new ServiceCatalogue();
  const name = 'box._ssh._tcp.local';
  catalogue.add([
    { type: 'PTR', name: '_ssh._tcp.local', data: name },
    { type: 'PTR', name: '_ssh._tcp.local', data: 'printer._ssh._tcp.local' },
  ]);
  assert.deepEqual(catalogue.open(), [name, 'printer._ssh._tcp.local']);
  catalogue.add([
    { type: 'SRV', name, data: { target: 'box.local', port: 8222 } },
    {
      type: 'TXT',
      name,
      data: [Buffer.from('device-id=abc'), Buffer.from('challenge=a-b-c'), Buffer.from('pantahub=hub:443')],
    },
    { type: 'A', name: 'box.local', data: '10.0.0.2' },
    { type: 'SRV', name: 'printer._ssh._tcp.local', data: { target: 'printer.local', port: 22 } },
    { type: 'TXT', name: 'printer._ssh._tcp.local', data: [] },
  ]);
  assert.deepEqual(catalogue.devices(), [
    { id: 'abc', challenge: 'a-b-c', hub: 'hub:443', host: 'box.local', ipv4: ['10.0.0.2'], ipv6: [], port: 8222 },
  ]);
});

test('times in words', () => {
  const now = Date.parse('2026-01-01T12:00:00Z');
  assert.equal(timeAgo('2026-01-01T11:59:00Z', now), '1 minute ago');
  assert.equal(timeAgo('2025-12-30T12:00:00Z', now), '2 days ago');
  assert.equal(timeAgo('0001-01-01T00:00:00Z', now), 'never');
});
