import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost, type MemoryHost } from '../host/memory/host.ts';
import { makeTree } from '../storage/durable.ts';
import { recordBoot } from './boot-record.ts';

const [base, boot] = ['/run/pantavisor/id', '/storage/boot'];

async function machine(): Promise<MemoryHost> {
  const host = createMemoryHost();
  await makeTree(host.files, boot);
  return host;
}

const record = (host: MemoryHost, stored: { committed?: string; trying?: string }, named?: string) =>
  recordBoot({ host, base, boot, stored, named, choose: true });

/** A boot of the machine: what is volatile is gone. */
const reboot = (host: MemoryHost) => host.crash({ seed: 1 });

test('a runtime that only starts anew finds the same boot', async () => {
  const host = await machine();
  const first = await record(host, { committed: '1' });
  assert.equal(first.revision, '1');
  assert.deepEqual(await record(host.restartRuntime(), { committed: '1' }), first);
  assert.deepEqual(await record(host.restartRuntime(), { committed: '1', trying: '2' }), first);
  assert.deepEqual(await record(host.restartRuntime(), { committed: '1', trying: '2' }, '1'), first);
});

test('another revision named is another boot, and so is a boot of the machine', async () => {
  const host = await machine();
  const first = await record(host, { committed: '1', trying: '2' }, '2');
  const second = await record(host.restartRuntime(), { committed: '1', trying: '2' }, '1');
  assert.equal(second.revision, '1');
  assert.notEqual(second.id, first.id);
  assert.notEqual((await record(reboot(host), { committed: '1' }, '1')).id, second.id);
});

test('with nobody to name one, a revision is tried once, and again only after another boot', async () => {
  let host = await machine();
  const stored = { committed: '1', trying: '2' };
  const booted: string[] = [];
  for (let boots = 0; boots < 4; boots += 1) {
    booted.push((await record(host, stored)).revision);
    host = reboot(host);
  }
  assert.deepEqual(booted, ['2', '1', '2', '1']);
});

test('a storage that cannot remember the trial does not begin it', async () => {
  const host = await machine();
  host.machine.faults.push({ operation: 'write', path: /^\/storage/, code: 'ENOSPC' });
  assert.equal((await record(host, { committed: '1', trying: '2' })).revision, '1');
});

test('where a boot loader chooses, the runtime does not', async () => {
  const host = await machine();
  const stored = { committed: '1', trying: '2' };
  assert.equal((await recordBoot({ host, base, boot, stored, named: undefined, choose: false })).revision, '1');
  assert.equal(
    (await recordBoot({ host: reboot(host), base, boot, stored: {}, named: undefined, choose: false })).revision,
    '0',
  );
});

test('a damaged record counts as none', async () => {
  const host = await machine();
  await record(host, { committed: '1' });
  for (const text of ['', '{', '{"id":1,"revision":"1"}', '{"id":"x","revision":"../x"}']) {
    await host.files.write(`${base}/boot.json`, text);
    assert.equal((await record(host, { committed: '3' })).revision, '3', text);
  }
});
