import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WakeScope } from '@pantavisor/ctrl-api';
import { liveConfig } from '../config/live.ts';
import { ConfigStore } from '../config/store.ts';
import { createMemoryHost } from '../host/memory/host.ts';
import { MetadataStore } from '../metadata/store.ts';
import type { HubConnection } from './connection.ts';
import { MetadataSync } from './metadata-sync.ts';

/** A logged-in device with metadata, and a Hub whose answers to PUT are held back until told. */
async function device(settings: Record<string, string> = {}) {
  const host = createMemoryHost();
  const store = new ConfigStore(Object.entries(settings).map(([name, value]) => ({ name, value, source: 'test' })));
  const log = () => {};
  const make = (kind: 'user' | 'device') =>
    new MetadataStore({ files: host.files, kind, directory: `/${kind}`, view: `/run/${kind}`, log });
  const metadata = { user: make('user'), device: make('device') };
  for (const one of Object.values(metadata)) await host.runFor(one.open());
  const held = new Set<WakeScope>();
  const scopes: WakeScope[] = [];
  const puts: { json: string; answer(ok: boolean): void }[] = [];
  const connection = {
    ask: ({ method, json }: { method: string; json?: string }) =>
      method === 'GET'
        ? Promise.resolve({ status: 200, text: '{}' })
        : new Promise((resolve, reject) => {
            const answer = (ok: boolean) => (ok ? resolve({ status: 200, text: '' }) : reject(new Error('no')));
            puts.push({ json: json ?? '', answer });
          }),
  } as unknown as HubConnection;
  const sync = new MetadataSync({
    connection,
    deviceId: () => 'id',
    config: liveConfig(store),
    clock: host.clock,
    metadata,
    random: () => 0.5,
    awake: {
      hold: (scope) => {
        held.add(scope);
        scopes.push(scope);
      },
      release: (scope) => void held.delete(scope),
    },
    log,
  });
  const set = (key: string, value: string) => host.runFor(metadata.device.set(key, value));
  return { host, sync, metadata, held, scopes, puts, set };
}

test('a change that somebody asked for keeps the device awake until the Hub has it', async () => {
  const { host, sync, held, puts, set } = await device();
  await set('a', '1');
  assert.equal(held.has('devmeta'), false, 'not logged in: it may take for ever');
  sync.setOnline(true);
  await host.advance(0);
  puts[0]?.answer(true);
  await host.settle();
  await set('a', '2');
  assert.equal(held.has('devmeta'), true);
  await host.advance(20_000);
  assert.equal(puts.length, 2);
  // Changed again while the answer is under way: it does not cover this.
  await set('a', '3');
  puts[1]?.answer(true);
  await host.settle();
  assert.equal(held.has('devmeta'), true);
  await host.advance(20_000);
  puts[2]?.answer(true);
  await host.settle();
  assert.equal(held.has('devmeta'), false);
  assert.match(puts[2]?.json ?? '', /"a":"3"/);
});

test('it ends with a refusal, with the Hub out of reach, and after its time', async () => {
  for (const end of ['refusal', 'offline', 'time'] as const) {
    const { host, sync, held, puts, set } = await device();
    sync.setOnline(true);
    await host.advance(0);
    puts[0]?.answer(true);
    await host.settle();
    await set('a', '1');
    await host.advance(20_000);
    assert.equal(held.has('devmeta'), true, end);
    if (end === 'refusal') puts[1]?.answer(false);
    if (end === 'offline') sync.setOnline(false);
    if (end === 'time') await host.advance(280_000);
    await host.settle();
    assert.equal(held.has('devmeta'), false, end);
    sync.close();
  }
});

test('an eager device tells at once; what it finds out by itself can wait', async () => {
  const { host, sync, metadata, held, puts, set } = await device({ PV_POWER_DEVMETA_EAGER_PUSH: '1' });
  sync.setOnline(true);
  await host.advance(0);
  puts[0]?.answer(true);
  await host.settle();
  await host.runFor(metadata.device.report('interfaces', '{}'));
  await host.settle();
  assert.deepEqual([puts.length, held.has('devmeta')], [1, false]);
  await set('a', '1');
  await host.settle();
  assert.deepEqual([puts.length, held.has('devmeta')], [2, true]);
});

test('a round asks and tells at once, and says whether it worked; the way of user metadata keeps the device awake', async () => {
  const { host, sync, held, scopes, puts } = await device();
  sync.setOnline(true);
  await host.advance(0);
  puts[0]?.answer(true);
  await host.settle();
  const [worked, before] = [sync.round(), scopes.filter((scope) => scope === 'usrmeta').length];
  assert.equal(await host.runFor(worked), true);
  assert.equal(scopes.filter((scope) => scope === 'usrmeta').length, before + 1);
  assert.equal(held.size, 0);
  await host.runFor(sync.round());
  sync.close();
  assert.ok(await host.runUntilIdle());
});
