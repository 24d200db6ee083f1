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
    await makeDirectories(host.files, '/sys/class/rtc/rtc0');
    for (const name of ['power/wake_lock', 'power/wake_unlock', 'power/autosleep', 'class/rtc/rtc0/wakealarm'])
      await host.files.write(`/sys/${name}`, '');
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
  return { host, locks, writes, lines };
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

test('managed: the alarm is set at start, and the machine may sleep some time after the first start', async () => {
  const { host, locks, writes } = await machine('managed');
  await locks.open();
  locks.hold('boot');
  locks.release('boot');
  assert.equal(locks.status().settling, true);
  await host.advance(90_000);
  assert.deepEqual([locks.status().settling, locks.status().autosleep], [false, true]);
  assert.deepEqual(writes, [
    'wake_unlock pantavisor',
    'wakealarm 0',
    'wakealarm +3600',
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
