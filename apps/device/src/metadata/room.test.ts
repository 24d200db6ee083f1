import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDevice, memoryRevision } from '../runtime/testing/memory-device.ts';

const options = { timeout: 60_000 };
const install = () => MemoryDevice.install((host) => memoryRevision(host, [{ name: 'app' }]));

test('a device tells about itself', options, async () => {
  const device = await install();
  await device.ready();
  const facts: Record<string, unknown> = JSON.parse((await device.request('GET', '/device-meta')).body);
  assert.equal(facts['pantavisor.arch'], 'x86_64/64/EL');
  assert.equal(facts['pantavisor.revision'], '0');
  assert.equal(facts['pantavisor.mode'], 'local');
  assert.equal(facts['pantahub.claimed'], '0');
  assert.equal(facts['pantavisor.status'], 'READY');
  assert.deepEqual(Object.keys(facts['pantavisor.uname'] as object), [
    'kernel.name',
    'kernel.release',
    'kernel.version',
    'node.name',
    'machine',
  ]);
  assert.deepEqual(Object.keys(facts.storage as object), ['total', 'free', 'reserved', 'real_free']);
  assert.deepEqual(Object.keys(facts.sysinfo as object).length, 14);
  assert.deepEqual(Object.keys(facts.time as object), ['timeval', 'timezone']);
  assert.equal(await device.stop(), 0);
});

test('user metadata is configuration as long as it is there, also after a restart', options, async () => {
  const device = await install();
  await device.ready();
  const level = async (of: MemoryDevice) => {
    const list: { key: string; value: string; modified: string }[] = JSON.parse(
      (await of.request('GET', '/config2')).body,
    );
    const { value, modified } = list.find(({ key }) => key === 'PV_STORAGE_GC_RESERVED') ?? {};
    return `${value} ${modified}`;
  };
  const before = await level(device);
  assert.equal((await device.request('PUT', '/user-meta/storage.gc.reserved', '20')).status, 200);
  assert.equal(await level(device), '20 metadata');
  const { storage } = JSON.parse((await device.request('GET', '/device-meta')).body);
  assert.equal(storage.reserved, Math.floor(storage.total / 5), 'rooms follow the configuration');
  const next = device.powerCut(7);
  await next.ready();
  assert.equal(await level(next), '20 metadata');
  assert.equal((await next.request('DELETE', '/user-meta/storage.gc.reserved')).status, 200);
  assert.equal(await level(next), before);
  assert.equal(await next.stop(), 0);
});

test('commands that concern metadata and SSH are carried out', options, async () => {
  const device = await install();
  await device.ready();
  const command = (op: string, payload: unknown = '') =>
    device.request('POST', '/commands', JSON.stringify({ op, payload }));
  assert.equal((await command('DISABLE_SSH')).status, 200);
  await device.host.settle();
  const { body } = await device.request('GET', '/config2');
  assert.match(body, /"key":"PV_DEBUG_SSH","value":"0","modified":"command"/);
  assert.equal((await command('UPDATE_METADATA', { a: 'b' })).status, 409, 'only for devices that talk to a Hub');
  assert.equal(await device.stop(), 0);
});
