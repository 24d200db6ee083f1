import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FailureCode, failedProgress, failureTable } from './failures.ts';
import {
  messagesOf,
  type ProgressStatus,
  parseProgress,
  progressMessage,
  progressMessages,
  progressNumbers,
  progressText,
} from './progress.ts';

test('the document is compact, in the order of the original', () => {
  assert.equal(
    progressText({ status: 'DONE', message: progressMessage('factory'), retries: 0 }),
    '{"status":"DONE","status-msg":"Factory revision","progress":100,"retries":0}',
  );
  const downloads = { totalSize: 10, totalDownloaded: 4, startTime: 100, currentTime: 101 };
  assert.equal(
    progressText({ status: 'DOWNLOADING', message: null, retries: 2 }, { downloads, logs: 'a\n"b"' }),
    '{"status":"DOWNLOADING","status-msg":null,"progress":25,"retries":2,"downloads":{"total":{"object_name":"total",' +
      '"object_id":"none","total_size":10,"total_downloaded":4,"start_time":100,"current_time":101}},"logs":"a\\n\\"b\\""}',
  );
  assert.ok(!progressText({ status: 'TESTING', message: null, retries: 0 }, { downloads }).includes('downloads'));
});

test('messages take their numbers in order', () => {
  assert.equal(progressMessage('space', 2048, 100), 'Space required 2048 B, available 100 B');
  assert.equal(progressMessage('retried', 1, 10), 'Retried 1 of 10');
});

test('a foreign document is read as far as it goes, and what is none is none', () => {
  assert.deepEqual(parseProgress('{"status":"ERROR","status-msg":"x","progress":100,"retries":3,"total_resumes":1}'), {
    status: 'ERROR',
    message: 'x',
    retries: 3,
  });
  for (const text of ['', '{', 'null', '[]', '{"status":"toString"}', '{"status":7}'])
    assert.equal(parseProgress(text), undefined, text);
  assert.deepEqual(parseProgress('{"status":"NEW","retries":-1}'), { status: 'NEW', message: null, retries: 0 });
});

test('property: what is written is read back', () => {
  const progress = fc.record(
    {
      status: fc.constantFrom(...(Object.keys(progressNumbers) as ProgressStatus[])),
      message: fc.option(fc.string()),
      retries: fc.nat(),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(progress, fc.string(), (value, logs) =>
      assert.deepEqual(parseProgress(progressText(value, { logs })), value),
    ),
  );
});

test('every failure is told in a status and a message that go together', () => {
  for (const code of Object.keys(failureTable) as FailureCode[])
    for (const stage of ['installing', 'trying'] as const) {
      if (!(stage in failureTable[code])) continue;
      const { status } = failedProgress({ code, reasons: [] }, stage, 0);
      // Missing objects are found before the reboot here, and told as the original tells them after it.
      assert.ok(messagesOf[status].includes(failureTable[code].message), `${code} while ${stage}`);
    }
});

test('every message belongs to a status', () => {
  const used = new Set(Object.values(messagesOf).flat());
  for (const message of Object.keys(progressMessages)) assert.ok(used.has(message as never), message);
});
