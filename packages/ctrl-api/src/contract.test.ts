import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Endpoint, endpoints, refusalByText, refusals } from './index.ts';
import * as shapes from './shapes.ts';

test('no two endpoints have the same method and path', () => {
  const lines = Object.values<Endpoint>(endpoints).map(
    ({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`,
  );
  assert.equal(new Set(lines).size, lines.length);
});

test('only the signal is open to every container, and everything has a sentence', () => {
  const open = Object.values<Endpoint>(endpoints).filter(({ role }) => role === 'any');
  assert.deepEqual(
    open.map(({ path }) => path),
    ['/signal'],
  );
  for (const { summary } of Object.values(endpoints)) assert.match(summary, /^[A-Z].*\.$/);
});

test('a refusal is found by its text', () => {
  assert.equal(refusalByText(refusals['container-unknown'].text), 'container-unknown');
  assert.equal(refusalByText('something else'), undefined);
});

test('shapes name every deviation with its place', () => {
  const container = {
    name: 'app',
    group: null,
    status: 'STARTED',
    status_goal: 'STARTED',
    restart_policy: 'container',
    roles: ['mgmt'],
    user_stopped: 'false',
  };
  assert.deepEqual(shapes.containers([container], ''), []);
  assert.deepEqual(shapes.containers([{ ...container, status: 'HAPPY', extra: 1, user_stopped: false }], ''), [
    '/0/status: expected NONE | INSTALLED | MOUNTED | BLOCKED | STARTING | STARTED | READY | RECOVERING | STOPPING | STOPPED | UNKNOWN, found string "HAPPY"',
    '/0/user_stopped: expected true | false, found boolean false',
    '/0/extra: is not expected',
  ]);
  assert.deepEqual(shapes.groups([{}], ''), [
    '/0/name: is missing',
    '/0/status_goal: is missing',
    '/0/restart_policy: is missing',
    '/0/status: is missing',
  ]);
  assert.deepEqual(shapes.steps([{ name: 'x', date: '2026-01-01T00:00:00Z', commitmsg: '', progress: {} }], ''), []);
  assert.equal(shapes.objects([{ sha256: 'x', size: 1 }], '').length, 2);
  assert.equal(shapes.garbage({ reclaimed: 1.5 }, '').length, 1);
  assert.equal(shapes.containers({}, '').length, 1);
});
