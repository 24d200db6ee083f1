import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../http/failure.ts';
import { parseStatusFilter } from './filter.ts';

test('what devices and tools ask', () => {
  assert.deepEqual(parseStatusFilter('DONE'), [{ kind: 'in', values: ['DONE'] }]);
  assert.deepEqual(parseStatusFilter('{"$in":["NEW","QUEUED"]}'), [{ kind: 'in', values: ['NEW', 'QUEUED'] }]);
  assert.deepEqual(parseStatusFilter('{"$ne":""}'), [{ kind: 'not-in', values: [''] }]);
  assert.deepEqual(parseStatusFilter('{"$regex":"^IN","$exists":true}'), [
    { kind: 'prefix', value: 'IN' },
    { kind: 'all' },
  ]);
});

test('other operators and expressions are refused', () => {
  for (const text of ['{"$where":"1"}', '{"$regex":"(a+)+"}', '{"$in":"NEW"}', '{"$ne":1}', '{', '{"a"'])
    assert.throws(() => parseStatusFilter(text), Failure, text);
});

test('any text either has a meaning or is refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        assert.ok(Array.isArray(parseStatusFilter(text)));
      } catch (error) {
        assert.ok(error instanceof Failure);
      }
    }),
  );
});
