import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import { createLog, formatRecord, type LogRecord } from './log.ts';

test('a record is one line for each of its own, in the form of the original', () => {
  const record: LogRecord = { at: 12_900, level: 'WARN', source: 'network', message: 'one\n\ntwo' };
  assert.equal(
    formatRecord(record),
    '[pantavisor] 12 WARN\t -- [network]: one\n[pantavisor] 12 WARN\t -- [network]: two\n',
  );
});

test('lines above the level are dropped; FATAL always passes', () => {
  const { clock } = createMemoryHost();
  const seen: string[] = [];
  const log = createLog(clock, () => 0, [({ level }) => void seen.push(level)]);
  log('ERROR', 'a', 'x');
  log('FATAL', 'a', 'x');
  createLog(clock, () => 3, [({ level }) => void seen.push(level)])('DEBUG', 'a', 'x');
  assert.deepEqual(seen, ['FATAL']);
});
