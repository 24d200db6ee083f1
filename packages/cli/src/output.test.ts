import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createProgressBar, formatBytes, formatDuration, formatTable, printable } from './output.ts';

const plain = (_: string, text: string) => text;

test('tables line up, cut the last column, and let no control characters through', () => {
  const table = formatTable(
    ['A', 'LONG'],
    [
      [{ text: 'x' }, { text: 'y'.repeat(50) }],
      [{ text: 'äöü' }, { text: '1', right: true }],
    ],
    plain,
    20,
  );
  assert.deepEqual(table.split('\n'), ['A    LONG', `x    ${'y'.repeat(14)}…`, `äöü  ${' '.repeat(49)}1`, '']);
  assert.equal(printable('a\u001b[31mb\n\u0000\u009bc'), 'a [31mb   c');
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 5 }), (pairs) => {
      const text = formatTable(
        ['A', 'B'],
        pairs.map(([left, right]) => [{ text: left }, { text: right }]),
        plain,
        60,
      );
      assert.equal(text.split('\n').length, pairs.length + 2);
    }),
  );
});

test('sizes and durations', () => {
  assert.deepEqual([0, 1023, 1024, 1536, 157_286_400, 1024 ** 5].map(formatBytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '150 MiB',
    '1024 TiB',
  ]);
  assert.deepEqual([0, 59, 61, 3600, 90_061].map(formatDuration), ['0 s', '59 s', '1 min 1 s', '1 h 0 min', '1 d 1 h']);
});

test('a progress bar draws at most ten times a second, ends full, and is silent without a terminal', () => {
  const drawn: string[] = [];
  let time = 0;
  const output = { isTTY: true, columns: 100, write: (text: string | Uint8Array) => void drawn.push(String(text)) };
  const bar = createProgressBar(output, 'file', 1000, () => time);
  for (let bytes = 0; bytes < 1000; bytes += 10) {
    time += 10;
    bar.add(10);
  }
  assert.ok(drawn.length <= 12, String(drawn.length));
  assert.match(drawn.at(-1) ?? '', /\[#+\] 100 %/);
  const silent = createProgressBar({ ...output, isTTY: false }, 'file', 1000, () => time);
  silent.add(500);
  silent.end();
  assert.ok(drawn.length <= 12);
});
