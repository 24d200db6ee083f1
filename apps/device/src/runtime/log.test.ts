import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import { HostError } from '../host/ports.ts';
import { createLog, fileSink, formatRecord, type LogRecord } from './log.ts';

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
  const log = createLog(clock, 0, [({ level }) => void seen.push(level)]);
  log('ERROR', 'a', 'x');
  log('FATAL', 'a', 'x');
  createLog(clock, 3, [({ level }) => void seen.push(level)])('DEBUG', 'a', 'x');
  assert.deepEqual(seen, ['FATAL']);
});

test('a file takes lines in order, and one that cannot be written says so once', async () => {
  const { files, system, record, clock } = createMemoryHost();
  let full = false;
  const append: typeof files.append = async (path, data, options) => {
    if (full) throw new HostError('ENOSPC', 'append to', path);
    await files.append(path, data, options);
  };
  const { sink, flush } = fileSink({ ...files, append }, system, '/log');
  const log = createLog(clock, 5, [sink]);
  for (const word of ['a', 'b', 'c']) log('INFO', 's', word);
  await flush();
  full = true;
  for (const word of ['lost', 'lost']) {
    log('INFO', 's', word);
    await flush();
  }
  full = false;
  log('INFO', 's', 'd');
  await flush();
  assert.deepEqual((await files.readText('/log')).match(/\S$/gm), ['a', 'b', 'c', 'd']);
  assert.equal(record.printed.filter(({ text }) => /cannot write the log \/log/.test(text)).length, 1);
});
