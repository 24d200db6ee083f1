import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WakeScope } from '@pantavisor/ctrl-api';
import { liveConfig } from '../config/live.ts';
import { ConfigStore } from '../config/store.ts';
import { createMemoryHost } from '../host/memory/host.ts';
import type { ByteSource, Take } from '../host/streams.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { WakeWindows } from './wake-windows.ts';

/** A machine with a real-time clock, and a Hub that answers as it is told. */
async function machine(settings: Record<string, string> = {}, hub: 'online' | 'offline' | 'none' = 'online') {
  const host = createMemoryHost();
  await makeDirectories(host.files, '/sys/class/rtc/rtc0');
  await host.files.write('/sys/class/rtc/rtc0/wakealarm', '');
  let take: Take | undefined;
  const records = async (): Promise<ByteSource> => ({
    start: (given) => {
      take = given;
    },
    close: () => {
      take = undefined;
    },
  });
  const writes: string[] = [];
  const files = {
    ...host.files,
    write: async (path: string, data: string | Uint8Array) => {
      writes.push(String(data));
      await host.files.write(path, data);
    },
  };
  const store = new ConfigStore(Object.entries(settings).map(([name, value]) => ({ name, value, source: 'test' })));
  const held = new Set<WakeScope>();
  const asked: number[] = [];
  let answers = hub === 'online';
  const windows = new WakeWindows({
    host: { files, clock: host.clock, streams: { ...host.streams, records } },
    config: liveConfig(store),
    locks: { hold: (scope) => void held.add(scope), release: (scope) => void held.delete(scope) },
    rounds: () =>
      hub === 'none'
        ? undefined
        : {
            isOnline: answers,
            hasHub: true,
            round: async () => {
              asked.push(host.clock.monotonic());
              return answers;
            },
          },
    log: () => {},
  });
  await windows.open();
  const wake = async () => {
    await take?.(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0));
    await host.settle();
  };
  const reach = () => {
    answers = true;
  };
  return { host, windows, writes, held, asked, wake, reach, isListening: () => take !== undefined };
}

test('a wake-up: lock, next alarm, one round, and sleep after the least time', async () => {
  const { host, writes, held, asked, wake } = await machine();
  assert.deepEqual(writes, ['0', '+3600']);
  await wake();
  assert.deepEqual([held.has('poll'), asked.length], [true, 1]);
  assert.deepEqual(writes, ['0', '+3600', '0', '+3600']);
  await host.advance(9_999);
  assert.equal(held.has('poll'), true);
  await host.advance(1);
  assert.equal(held.has('poll'), false);
  assert.equal(asked.length, 1);
});

test('a Hub that does not answer is asked every three seconds, up to the most time', async () => {
  const { host, held, asked, wake } = await machine({}, 'offline');
  await wake();
  await host.advance(59_999);
  assert.equal(held.has('poll'), true);
  await host.advance(1);
  assert.equal(held.has('poll'), false);
  assert.equal(asked.length, 20);
  await host.advance(60_000);
  assert.equal(asked.length, 20);
});

test('a round that works at last ends the window', async () => {
  const { host, held, asked, wake, reach } = await machine({}, 'offline');
  await wake();
  await host.advance(14_000);
  reach();
  await host.advance(1_000);
  assert.deepEqual([asked.length, held.has('poll')], [6, false]);
});

test('containers get their time after the round', async () => {
  const { host, windows, held, wake } = await machine({ PV_POWER_WAKE_RUN_WINDOW: '30' });
  await wake();
  assert.equal(windows.isRunWindow, true);
  await host.advance(29_000);
  assert.equal(held.has('poll'), true);
  await host.advance(1_000);
  assert.deepEqual([held.has('poll'), windows.isRunWindow], [false, false]);
});

test('a device without a Hub: awake for the least time, and no alarm unless containers want time', async () => {
  const { host, writes, held, wake } = await machine({}, 'none');
  await wake();
  assert.deepEqual(writes, ['0', '+3600']);
  await host.advance(10_000);
  assert.equal(held.has('poll'), false);
  const other = await machine({ PV_POWER_WAKE_RUN_WINDOW: '1' }, 'none');
  await other.wake();
  assert.equal(other.writes.length, 4);
});

test('an alarm that was not set again is, once the Hub is there', async () => {
  const { host, windows, writes, wake } = await machine({}, 'offline');
  await wake();
  assert.equal(writes.length, 2);
  windows.online();
  windows.online();
  await host.settle();
  assert.equal(writes.length, 4);
});

test('the end of an update asks once more, in the window that is open', async () => {
  const { host, windows, held, asked, wake } = await machine();
  await wake();
  windows.updateEnded();
  await host.advance(10_000);
  assert.deepEqual([asked.length, held.has('poll')], [2, false]);
  windows.updateEnded();
  await host.settle();
  assert.deepEqual([asked.length, held.has('poll')], [3, true]);
});

test('closing lets go of everything', async () => {
  const { host, windows, held, wake, isListening } = await machine();
  await wake();
  windows.close();
  assert.deepEqual([held.size, isListening()], [0, false]);
  assert.ok(await host.runUntilIdle());
});
