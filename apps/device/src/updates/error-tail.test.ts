import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LogLevel } from '../runtime/log.ts';
import { ErrorTail } from './error-tail.ts';

const measure = (text: string) => Buffer.byteLength(text);
const record = (level: LogLevel, message: string) => ({ at: 1500, level, source: 'boot', message });

test('errors are kept as one document a line, everything else is not', () => {
  const tail = new ErrorTail(measure);
  for (const level of ['WARN', 'ERROR', 'INFO', 'FATAL', 'DEBUG'] as const) tail.sink(record(level, `a "${level}"`));
  const lines = tail.text().trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    ['ERROR', 'FATAL'].map((lvl) => ({
      tsec: 1,
      tnano: 0,
      platform: 'pantavisor',
      lvl,
      src: 'boot',
      msg: `a "${lvl}"`,
    })),
  );
  tail.clear();
  assert.equal(tail.text(), '');
});

test('whatever is logged, the tail is the last whole lines of at most 4096 bytes', () => {
  const messages = fc.array(fc.string({ unit: 'grapheme', maxLength: 3000 }), { maxLength: 30 });
  fc.assert(
    fc.property(messages, (texts) => {
      const tail = new ErrorTail(measure);
      for (const text of texts) tail.sink(record('ERROR', text));
      const kept = tail.text();
      assert.ok(measure(kept) <= 4096);
      const lines = kept.split('\n').slice(0, -1);
      const said = lines.map((line) => JSON.parse(line).msg);
      assert.deepEqual(
        said,
        texts.slice(texts.length - said.length).map((text) => text.slice(0, 1024)),
      );
      assert.ok(said.length > 0 || texts.length === 0 || measure(texts.at(-1) ?? '') > 3000);
    }),
  );
});
