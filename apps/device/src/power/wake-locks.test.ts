import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveConfig } from '../config/live.ts';
import { ConfigStore } from '../config/store.ts';
import { createMemoryHost } from '../host/memory/host.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { WakeLocks } from './wake-locks.ts';

/** A machine whose kernel has wake locks, or not; every write to its files is kept. */
async function machine(mode: 'disabled' | 'locks' | 'managed', kernel = true) {
  const host = createMemoryHost();
  const writes: string[] = [];
  if (kernel) {
    await makeDirectories(host.files, '/sys/power');
    for (const name of ['wake_lock', 'wake_unlock', 'autosleep']) await host.files.write(`/sys/power/${name}`, '');
  }
  const files = {
    ...host.files,
    write: async (path: string, data: string | Uint8Array) => {
      writes.push(`${path.slice(path.lastIndexOf('/') + 1)} ${data}`);
      await host.files.write(path, data);
    },
  };
  const store = new ConfigStore([{ name: 'PV_POWER_MODE', value: mode, source: 'test' }]);
  const lines: string[] = [];
  const log = (level: string, _: string, message: string) => void lines.push(`${level} ${message}`);
  const locks = new WakeLocks({ host: { files, clock: host.clock }, config: liveConfig(store), log });
  const change = (value: string) => store.apply([{ name: 'PV_POWER_MODE', value, source: 'test' }], 'metadata');
  return { host, locks, writes, lines, change };
}

test('one lock for all scopes: set with the first, taken back with the last', async () => {
  const { host, locks, writes } = await machine('locks');
  await locks.open();
  locks.hold('boot');
  locks.hold('boot');
  locks.hold('update');
  locks.release('boot');
  locks.release('debug_shell');
  assert.equal(locks.status().count, 1);
  assert.deepEqual(
    Object.entries(locks.status().held).filter(([, isHeld]) => isHeld),
    [['update', true]],
  );
  locks.release('update');
  await host.settle();
  assert.deepEqual(writes, ['wake_unlock pantavisor', 'wake_lock pantavisor', 'wake_unlock pantavisor']);
});

test('a kernel without wake locks: scopes are counted and nothing is written', async () => {
  const { locks, writes, lines } = await machine('locks', false);
  await locks.open();
  locks.hold('update');
  assert.deepEqual([locks.status().degraded, locks.status().count], [true, 1]);
  await locks.close();
  assert.deepEqual(writes, []);
  assert.equal(lines.length, 1);
});

test('disabled means that nothing happens at all', async () => {
  const { locks, writes } = await machine('disabled');
  await locks.open();
  locks.hold('update');
  assert.deepEqual([locks.status().mode, locks.status().count], ['disabled', 0]);
  await locks.close();
  assert.deepEqual(writes, []);
});

test('managed: the machine may sleep some time after the first start', async () => {
  const { host, locks, writes } = await machine('managed');
  await locks.open();
  locks.hold('boot');
  locks.release('boot');
  assert.equal(locks.status().settling, true);
  await host.advance(90_000);
  assert.deepEqual([locks.status().settling, locks.status().autosleep], [false, true]);
  assert.deepEqual(writes, [
    'wake_unlock pantavisor',
    'wake_lock pantavisor',
    'wake_unlock pantavisor',
    'autosleep mem',
  ]);
  await locks.close();
  assert.equal(writes.at(-1), 'autosleep off');
});

test('managed power without wake locks is a device that cannot start', async () => {
  const { locks } = await machine('managed', false);
  await assert.rejects(locks.open(), { code: 'wake-locks-missing' });
});

test('a change of the mode counts from the next start of a revision, and brings autosleep at once', async () => {
  const { host, locks, writes, change } = await machine('locks');
  await locks.open();
  locks.hold('boot');
  locks.release('boot');
  locks.hold('update');
  await host.settle();
  writes.length = 0;
  change('managed');
  assert.equal(locks.status().mode, 'locks');
  assert.equal(await locks.follow(), true);
  await host.settle();
  assert.deepEqual([locks.status().mode, locks.status().autosleep, locks.status().settling], ['managed', true, false]);
  assert.deepEqual(writes, [
    'wake_unlock pantavisor',
    'wake_unlock pantavisor',
    'wake_lock pantavisor',
    'autosleep mem',
  ]);
  writes.length = 0;
  change('disabled');
  await locks.follow();
  assert.deepEqual([locks.status().count, locks.status().autosleep], [0, false]);
  assert.deepEqual(writes, ['wake_unlock pantavisor', 'autosleep off']);
  change('locks');
  await locks.follow();
  assert.equal(locks.status().held.update, true, 'who needs the device awake was not forgotten');
});

test('a change to managed during the start lets the device settle first', async () => {
  const { host, locks, change } = await machine('locks');
  await locks.open();
  locks.hold('boot');
  change('managed');
  await locks.follow();
  assert.equal(locks.status().autosleep, false);
  locks.release('boot');
  await host.advance(90_000);
  assert.equal(locks.status().autosleep, true);
});

test('a change to managed on a kernel without wake locks is said, and the mode before goes on', async () => {
  const { locks, lines, change } = await machine('locks', false);
  await locks.open();
  change('managed');
  assert.equal(await locks.follow(), false);
  assert.equal(locks.status().mode, 'locks');
  assert.match(lines.join('\n'), /ERROR cannot manage power: the kernel has no/);
});
