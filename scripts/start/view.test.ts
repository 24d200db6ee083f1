import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { ContainerDetailJson, GroupJson } from '@pantavisor/ctrl-api';
import {
  type DeviceFacts,
  formatBytes,
  formatDuration,
  isAtGoal,
  pictureLines,
  renderLine,
  tableLines,
} from './view.ts';

const group = (name: string): GroupJson => ({
  name,
  status: 'READY',
  status_goal: 'STARTED',
  restart_policy: 'container',
});
const container = (name: string, more: Partial<ContainerDetailJson> = {}): ContainerDetailJson => ({
  name,
  group: 'app',
  status: 'STARTED',
  status_goal: 'STARTED',
  restart_policy: 'container',
  roles: [],
  pid: 42,
  started_at: 1000,
  memory: 3 * 1024 * 1024,
  ...more,
});
const facts: DeviceFacts = {
  revision: '0',
  storage: '/tmp/x',
  temporary: true,
  socket: '/run/s',
  url: 'http://10.0.3.10:8080',
  commands: ['one', 'two', 'three'],
};

const plain = (lines: ReturnType<typeof tableLines>, width = 200) =>
  lines.map((line) => renderLine(line, width, false));

describe('the table', () => {
  test('shows groups in order with their containers below, in columns', () => {
    const snapshot = {
      groups: [group('platform'), group('app')],
      containers: [
        container('web'),
        container('a-long-name', { group: 'platform', pid: null, memory: null, started_at: null }),
      ],
    };
    assert.deepEqual(plain(tableLines(snapshot, 1_065_000)), [
      'GROUP     CONTAINER    STATUS   GOAL     PID   MEMORY         UP',
      'platform               READY    STARTED',
      '          a-long-name  STARTED  STARTED    –        –          –',
      'app                    READY    STARTED',
      '          web          STARTED  STARTED   42  3.0 MiB  1 min 5 s',
    ]);
  });

  test('a container whose group is not known is shown as well', () => {
    const lines = plain(tableLines({ groups: [group('app')], containers: [container('x', { group: null })] }, 0));
    assert.ok(lines.some((line) => line.includes('x')));
  });
});

describe('the picture', () => {
  const snapshot = {
    groups: [group('app')],
    containers: [container('web'), container('slow', { status_goal: 'READY' })],
  };
  test('the hub: its steps with their ends and reasons, on one screen with everything else', () => {
    const step = { rev: 1, message: 'a new page', status: 'UPDATED', text: 'finished', percent: 100, reasons: [] };
    const broken = { ...step, rev: 2, message: 'broken', status: 'ERROR', text: 'no', reasons: ['it has no program'] };
    const pages = ['Hello (revision 1)', 'Before (revision 0)'];
    const hub = { url: 'http://h', device: 'abc', steps: [step, broken], pages, news: 'step 2 ended' };
    const text = plain(pictureLines(facts, snapshot, 0, { hub })).join('\n');
    for (const pattern of [
      /^Hub {3}http:\/\/h {2}device abc$/m,
      /^ {6}step 1 {2}a new page {2}UPDATED {5}100 % {2}finished$/m,
      /^ {6}step 2 {2}broken {6}ERROR {7}100 % {2}no$/m,
      /because it has no program/,
      /page says {2}Hello \(revision 1\) → Before \(revision 0\)$/m,
      /step 2 ended/,
    ])
      assert.match(text, pattern);
    assert.ok(text.split('\n').length <= 24);
  });
  test('says how many containers are at their goal, where the page is, and what to try', () => {
    const text = plain(pictureLines(facts, snapshot, 0)).join('\n');
    assert.match(text, /revision 0, 1 of 2 at their status goal/);
    assert.match(text, /^Page {2}http:\/\/10\.0\.3\.10:8080$/m);
    assert.match(text, /^Try {3}one\n {6}two\n {6}three$/m);
    assert.match(text, /\(removed at the end\)/);
  });

  test('no line is wider than the terminal, with and without colour', () => {
    for (const line of pictureLines(facts, snapshot, 0)) {
      const coloured = renderLine(line, 20, true);
      assert.ok(stripVTControlCharacters(coloured).length <= 20);
      assert.equal(stripVTControlCharacters(coloured).trimEnd(), renderLine(line, 20, false));
    }
  });

  test('colour only when asked for', () => {
    const lines = pictureLines(facts, snapshot, 0);
    assert.ok(!lines.some((line) => renderLine(line, 80, false).includes('\x1b')));
    assert.ok(lines.some((line) => renderLine(line, 80, true).includes('\x1b')));
  });
});

test('a goal is met at the goal or past it, and by a container that a person stopped', () => {
  assert.ok(isAtGoal(container('a')));
  assert.ok(isAtGoal(container('a', { status: 'READY' })));
  assert.ok(!isAtGoal(container('a', { status_goal: 'READY' })));
  assert.ok(!isAtGoal(container('a', { status: 'STOPPED' })));
  assert.ok(isAtGoal(container('a', { status: 'STOPPED', user_stopped: 'true' })));
  assert.ok(!isAtGoal(container('a', { status: 'RECOVERING' })));
  assert.ok(isAtGoal(container('a', { status: 'MOUNTED', status_goal: 'MOUNTED' })));
});

test('sizes and durations are short', () => {
  assert.deepEqual([0, 1023, 1024, 1536, 3 * 2 ** 20, 200 * 2 ** 20, 5 * 2 ** 30].map(formatBytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '3.0 MiB',
    '200 MiB',
    '5.0 GiB',
  ]);
  assert.deepEqual([-1, 0, 59.9, 60, 3599, 3600, 90_000].map(formatDuration), [
    '0 s',
    '0 s',
    '59 s',
    '1 min 0 s',
    '59 min 59 s',
    '1 h 0 min',
    '1 d 1 h',
  ]);
});
