import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FleetTerm, formatFleetQuery, parseFleetQuery } from './fleet-query.ts';

test('words, fields, quotes and negation', () => {
  assert.deepEqual(parseFleetQuery('lab status:failed -rev:>10 tag:site="new york" "a b" -public:yes'), {
    terms: [
      { field: 'text', value: 'lab', negative: false },
      { field: 'status', value: 'failed', negative: false },
      { field: 'rev', value: '>10', negative: true },
      { field: 'tag', value: 'site=new york', negative: false },
      { field: 'text', value: 'a b', negative: false },
      { field: 'public', value: 'yes', negative: true },
    ],
    problems: [],
  });
});

test('what cannot be used is said, and the rest still counts', () => {
  const { terms, problems } = parseFleetQuery('colour:red rev:many seen:5m status: ok seen:<5m');
  assert.deepEqual(
    terms.map(({ value }) => value),
    ['ok', '<5m'],
  );
  assert.equal(problems.length, 4);
});

const value = fc.string({ minLength: 1, unit: 'binary' });
const shape = { noNullPrototype: true } as const;
const term: fc.Arbitrary<FleetTerm> = fc.oneof(
  fc.record({ field: fc.constant('text' as const), value, negative: fc.boolean() }, shape),
  fc.record(
    { field: fc.constant('meta' as const), value: value.map((text) => `k=${text}`), negative: fc.boolean() },
    shape,
  ),
);

test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.array(term, { maxLength: 8 }), (terms) => {
      assert.deepEqual(parseFleetQuery(formatFleetQuery(terms)), { terms, problems: [] });
    }),
  );
});

test('any text is read without an exception', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (line) => {
      parseFleetQuery(line);
    }),
  );
});
