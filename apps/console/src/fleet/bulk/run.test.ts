import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetDevice } from '@pantavisor/hub-api';
import { forEachDevice, nothingDone } from './run.ts';

const devices = Array.from({ length: 9 }, (_, index) => ({ id: String(index), nick: `d${index}` }) as FleetDevice);
const ids = (list: readonly FleetDevice[]) => list.map(({ id }) => id);

test('what is stopped goes on where it was, and what failed is tried again alone', async () => {
  const seen: string[] = [];
  const end = new AbortController();
  let broken = true;
  const work = async ({ id }: FleetDevice) => {
    seen.push(id);
    if (seen.length === 5) end.abort();
    if (id === '2' && broken) throw new Error('cannot do it');
  };
  const first = await forEachDevice(devices, work, () => undefined, end.signal);
  assert.equal(first.done + first.failures.length + first.left.length, devices.length);
  assert.deepEqual(ids(first.left), ids(devices.slice(seen.length)), 'those in work are finished');
  const { signal } = new AbortController();
  const second = await forEachDevice(first.left, work, () => undefined, signal, { ...first, left: [] });
  assert.deepEqual([second.done, ids(second.left)], [8, []]);
  assert.deepEqual(
    second.failures.map(({ device, why }) => [device.id, why]),
    [['2', 'cannot do it']],
  );
  broken = false;
  seen.length = 0;
  const again = second.failures.map(({ device }) => device);
  const third = await forEachDevice(again, work, () => undefined, signal, { ...second, failures: [] });
  assert.deepEqual([third.done, third.failures, seen], [9, [], ['2']]);
});

test('progress tells what is left at every moment', async () => {
  const told: number[] = [];
  const { signal } = new AbortController();
  await forEachDevice(
    devices,
    async () => undefined,
    ({ done, left }) => told.push(done + left.length),
    signal,
    nothingDone,
  );
  assert.equal(told.length, devices.length);
  assert.ok(told.every((sum) => sum <= devices.length));
});
