import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { ContainerDetailJson } from '@pantavisor/ctrl-api';
import { controlSocketOf, describeChanges, untilItListens } from './watch.ts';

const container = (name: string, status: ContainerDetailJson['status'], pid: number | null): ContainerDetailJson => ({
  name,
  group: 'app',
  status,
  status_goal: 'STARTED',
  restart_policy: 'container',
  roles: [],
  pid,
  started_at: null,
  memory: null,
});

test('only what changed is said: new containers, other statuses, another first process, containers that are gone', () => {
  const before = {
    groups: [],
    containers: [container('a', 'STARTED', 1), container('b', 'STARTED', 2), container('c', 'READY', 3)],
  };
  assert.deepEqual(describeChanges(undefined, before), [
    'container a (group app): STARTED, pid 1',
    'container b (group app): STARTED, pid 2',
    'container c (group app): READY, pid 3',
  ]);
  const now = {
    groups: [],
    containers: [container('a', 'STARTED', 1), container('b', 'STARTED', 9), container('d', 'BLOCKED', null)],
  };
  assert.deepEqual(describeChanges(before, now), [
    'container b (group app): STARTED, pid 9',
    'container d (group app): BLOCKED',
    'container c: gone',
  ]);
  assert.deepEqual(describeChanges(now, now), []);
});

test('the socket of a storage is where the device puts it', () => {
  assert.equal(controlSocketOf('/var/lib/device'), '/run/pantavisor/94373f0f/pv/pv-ctrl');
});

test('waiting for a server ends when it listens, or when nobody waits any more', { timeout: 20_000 }, async () => {
  const server = createServer();
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await listening;
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const url = `http://127.0.0.1:${address.port}`;
  await untilItListens(url, new AbortController().signal);
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  const controller = new AbortController();
  const waiting = untilItListens(url, controller.signal);
  controller.abort();
  await waiting;
});
