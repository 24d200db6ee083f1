import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRange } from './range.ts';

test('the forms of RFC 9110', () => {
  assert.deepEqual(parseRange('bytes=0-9', 100), { start: 0, end: 9 });
  assert.deepEqual(parseRange('bytes=90-', 100), { start: 90, end: 99 });
  assert.deepEqual(parseRange('bytes=-10', 100), { start: 90, end: 99 });
  assert.deepEqual(parseRange('bytes=0-1000', 100), { start: 0, end: 99 });
  assert.equal(parseRange('bytes=100-', 100), 'unsatisfiable');
  for (const ignored of [undefined, 'bytes=-', 'bytes=5-2', 'lines=1-2', 'bytes=0-1,3-4'])
    assert.equal(parseRange(ignored, 100), undefined);
});

test('a range lies within the object', () => {
  fc.assert(
    fc.property(
      fc.option(fc.nat(300), { nil: '' }),
      fc.option(fc.nat(300), { nil: '' }),
      fc.nat(200),
      (from, to, size) => {
        const range = parseRange(`bytes=${from}-${to}`, size);
        if (range === undefined || range === 'unsatisfiable') return;
        assert.ok(range.start >= 0 && range.start <= range.end && range.end < size);
      },
    ),
  );
});
