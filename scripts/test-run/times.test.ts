import assert from 'node:assert/strict';
import { test } from 'node:test';
import fileTimes from './file-times.ts';
import { busyShare, formatTimes, parseFileTimes } from './times.ts';

test('the table has every stage, and of the files the slowest', () => {
  const stages = [
    { name: 'check', seconds: 35.04, busy: 0.781 },
    { name: 'e2e: hub and pvr', seconds: 1433, busy: 1 },
  ];
  const files = ['a', 'b', 'c'].map((path, index) => ({ path, seconds: 10 * index + 0.5 }));
  assert.deepEqual(formatTimes(stages, files, 2).split('\n'), [
    '── where the time went: stages, with how busy the processors were meanwhile',
    '   35.0 s  78 %  check',
    ' 1433.0 s 100 %  e2e: hub and pvr',
    '── the slowest test files',
    '   20.5 s  c',
    '   10.5 s  b',
  ]);
  assert.doesNotMatch(formatTimes(stages, []), /files/);
});

test('what the reporter writes of summaries of files is read again', async () => {
  async function* events() {
    yield { type: 'test:pass', data: { name: 'x', file: `${process.cwd()}/tests/a b.test.ts` } };
    yield { type: 'test:summary', data: { file: `${process.cwd()}/tests/a b.test.ts`, duration_ms: 1500.4 } };
    yield { type: 'test:summary', data: { duration_ms: 9000 } };
  }
  let text = '';
  for await (const piece of fileTimes(events())) text += piece;
  assert.deepEqual(parseFileTimes(`${text}12`), [{ path: 'tests/a b.test.ts', seconds: 1.5 }]);
});

test('processors are as busy as they were not idle', () => {
  const at = (user: number, idle: number) => [{ times: { user, nice: 0, sys: 0, idle, irq: 0 } }];
  assert.equal(busyShare([...at(0, 0), ...at(5, 5)], [...at(100, 0), ...at(55, 55)]), 0.75);
  assert.equal(busyShare(at(1, 1), at(1, 1)), 0);
});
