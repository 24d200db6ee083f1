import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonNode } from './nodes.ts';
import { positionsOf } from './position.ts';
import { readJson } from './reader.ts';

/** Plain value of a tree; fails on what JSON.parse would have refused. */
function plainValue(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object':
      return Object.fromEntries(node.members.map(({ key, value }) => [key, plainValue(value)]));
    case 'array':
      return node.items.map(plainValue);
    case 'number':
      return Number(node.text);
    case 'null':
      return null;
    case 'broken':
      throw new Error('a broken value without a problem');
    default:
      return node.value;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON values in any layout. */
const jsonText = fc
  .tuple(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom('', ' ', '\t', '   '))
  .map(([value, indent]) => JSON.stringify(value, null, indent));

/** Text that is nearly JSON: cut, with characters changed, or plain fragments in any order. */
const nearlyJson = fc.oneof(
  fc
    .tuple(
      jsonText,
      fc.nat(),
      fc.nat(3),
      fc.constantFrom('', '"', '{', ']', ',', ':', '\\', '\u0000', 'x', '\n', '\ufeff'),
    )
    .map(
      ([text, at, length, put]) =>
        text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + length),
    ),
  fc
    .array(fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '1', '-', 'null', 'tru', ' ', '"', '\\u12', '01'))
    .map((parts) => parts.join('')),
);

test('reads what JSON.parse reads, to the same value', () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      const { root, problems } = readJson(text);
      assert.deepEqual(problems, []);
      assert.ok(root);
      assert.deepEqual(plainValue(root), JSON.parse(text));
    }),
    { numRuns: 300 },
  );
});

test('finds a problem exactly where JSON.parse refuses, and always ends', () => {
  fc.assert(
    fc.property(nearlyJson, (text) => {
      const { problems } = readJson(text);
      assert.equal(problems.length === 0, isJson(text), text);
      for (const { offset } of problems) assert.ok(offset >= 0 && offset <= text.length);
    }),
    { numRuns: 2000 },
  );
});

test('every slice is a text of its own with the same value, and what lies between slices is punctuation', () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      const { root } = readJson(text);
      const check = (node: JsonNode): void => {
        assert.deepEqual(JSON.parse(text.slice(node.start, node.end)), plainValue(node));
        const parts = node.kind === 'array' ? node.items : [];
        const members = node.kind === 'object' ? node.members : [];
        const slices = [
          ...parts.map(({ start, end }) => ({ start, end })),
          ...members.flatMap(({ keyStart, keyEnd, value }) => [
            { start: keyStart, end: keyEnd },
            { start: value.start, end: value.end },
          ]),
        ];
        let rest = '';
        let at = node.start;
        for (const { start, end } of slices) {
          rest += text.slice(at, start);
          at = end;
        }
        if (node.kind === 'object' || node.kind === 'array')
          assert.match(rest + text.slice(at, node.end), /^[[\]{},:"\s]*$/);
        for (const child of [...parts, ...members.map(({ value }) => value)]) check(child);
      };
      if (root) check(root);
    }),
    { numRuns: 200 },
  );
});

test('a limited depth checks everything and builds the upper levels only', () => {
  const text = '{"a":{"b":[1,2]},"c":[{"d":"\\u0041"}],"e":"x"}';
  const { root, problems } = readJson(text, { buildDepth: 1 });
  assert.deepEqual(problems, []);
  assert.ok(root?.kind === 'object');
  assert.deepEqual(
    root.members.map(({ key, value }) => [key, value.kind, text.slice(value.start, value.end)]),
    [
      ['a', 'object', '{"b":[1,2]}'],
      ['c', 'array', '[{"d":"\\u0041"}]'],
      ['e', 'string', '"x"'],
    ],
  );
  const [first] = root.members;
  assert.ok(first?.value.kind === 'object' && first.value.members.length === 0);
  fc.assert(
    fc.property(nearlyJson, (some) => {
      assert.deepEqual(
        readJson(some, { buildDepth: 1 }).problems.map(({ offset, rule }) => [offset, rule]),
        readJson(some).problems.map(({ offset, rule }) => [offset, rule]),
      );
    }),
    { numRuns: 500 },
  );
});

test('a part of a text is read as the whole would be', () => {
  fc.assert(
    fc.property(fc.string(), jsonText, fc.string(), (before, text, after) => {
      const start = before.length;
      const { root, problems } = readJson(before + text + after, { start, end: start + text.length });
      assert.deepEqual(problems, []);
      assert.ok(root);
      assert.deepEqual(plainValue(root), JSON.parse(text));
      assert.ok(root.start >= start && root.end <= start + text.length);
    }),
  );
  const cut = readJson('["abc"]', { start: 1, end: 4 });
  assert.deepEqual(
    cut.problems.map(({ rule }) => rule),
    ['json-end'],
  );
});

test('duplicates, long numbers and raw names are kept', () => {
  const text = '{"a":1,"a":2,"\\u0061":123456789012345678901234567890.10}';
  const { root } = readJson(text);
  assert.ok(root?.kind === 'object');
  assert.deepEqual(
    root.members.map(({ key, keyStart, keyEnd, escaped, value }) => [
      key,
      text.slice(keyStart, keyEnd),
      escaped,
      value.kind === 'number' && value.text,
    ]),
    [
      ['a', 'a', false, '1'],
      ['a', 'a', false, '2'],
      ['a', '\\u0061', true, '123456789012345678901234567890.10'],
    ],
  );
});

test('all mistakes of one text are found', () => {
  const text = '{a: tru,\n "b" 01,\n "c": "\\x\t",\n "d": [1 2,],\n}';
  assert.deepEqual(
    readJson(text).problems.map(({ rule, path, offset }) => [rule, path, positionsOf(text)(offset).line]),
    [
      ['json-key', '/a', 1],
      ['json-value', '/a', 1],
      ['json-separator', '/b', 2],
      ['json-value', '/b', 2],
      ['json-string', '/c', 3],
      ['json-string', '/c', 3],
      ['json-separator', '/d/1', 4],
      ['json-separator', '/d/2', 4],
      ['json-separator', '/d', 5],
    ],
  );
});

test('nesting exhausts nothing: a million levels are a problem, or a tree', () => {
  const depth = 1_000_000;
  const text = '['.repeat(depth) + ']'.repeat(depth);
  assert.deepEqual(
    readJson(text).problems.map(({ rule }) => rule),
    ['json-depth'],
  );
  assert.deepEqual(readJson(text, { maxDepth: depth }).problems, []);
  assert.deepEqual(
    readJson('{"a":'.repeat(depth), { maxDepth: depth }).problems.map(({ rule }) => rule),
    ['json-end'],
  );
});

test('positions count lines and columns from one', () => {
  const position = positionsOf('ab\nc\n\nd');
  assert.deepEqual(
    [0, 1, 2, 3, 5, 6, 7].map((offset) => Object.values(position(offset))),
    [
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 1],
      [3, 1],
      [4, 1],
      [4, 2],
    ],
  );
});
