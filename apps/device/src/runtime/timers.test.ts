import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import { createTimers } from './timers.ts';

test('a timer fires once; one of the same name replaces it; a cancelled one never fires', async () => {
  const host = createMemoryHost();
  const fired: string[] = [];
  const timers = createTimers(host.clock, (name) => fired.push(`${name} ${host.clock.monotonic()}`));
  timers.arm('a', 10);
  timers.arm('a', 20);
  timers.arm('b', 5);
  timers.arm('c', 5);
  timers.cancel('c');
  timers.cancel('never');
  await host.advance(100);
  assert.deepEqual(fired, ['b 5', 'a 20']);
});
