import assert from 'node:assert/strict';
import test from 'node:test';
import { canonicalValue, compareCodePoints, readJson } from '@pantavisor/state';
import fc from 'fast-check';
import { nodeOf, readStateDocument, valueText, writeStateDocument } from './values.ts';

const entriesOf = (text: string): [string, string][] =>
  [...readStateDocument(text, 'test').values].map(([key, value]) => [key, valueText(value)]);

/** What the careful reader makes of it, which keeps the text of numbers. */
function expected(text: string): [string, string][] {
  const { root } = readJson(text);
  assert.ok(root?.kind === 'object');
  const one = (member: string) => writeStateDocument(readStateDocument(` {"k":${member}}`, 'test')).slice(0, -1);
  return root.members
    .filter(({ key }) => key !== '#spec')
    .map(({ key, value }) => [key, one(text.slice(value.start, value.end)).replace(/^\{"#spec":"","k":/, '')]);
}

test('states are read alike whether the fast way is open to them or not', () => {
  const sha = 'a'.repeat(64);
  for (const text of [
    `{"#spec":"x","a":"${sha}","b.json":{"a":1,"b":[true,null,"é"]}}`,
    '{"b":{"y":1,"x":2}}',
    '{"a":1.5}',
    '{"a":1.5E0}',
    '{"a":12345678901234567890}',
    '{"a":100000000000000000000}',
    '{"a":1e+21}',
    '{"a":-0,"b":1e3}',
    '{"a":"\\u001f","b":"\\u001F","c":"\\n"}',
    '{"10":1,"9":2}',
    '{"9":2,"10":1}',
    '{"a": 1}',
    `{"${'\uff00'}":1,"${'\u{1f600}'}":2}`,
    `{"${'\u{1f600}'}":2,"${'\uff00'}":1}`,
    `{"a":${'['.repeat(40)}${']'.repeat(40)}}`,
    '{"__proto__":{"a":1},"b":2}',
  ])
    assert.deepEqual(entriesOf(text), expected(text), text);
  assert.deepEqual(entriesOf('{"a":1,"a":2}'), [['a', '2']]);
  assert.throws(() => readStateDocument('{"#spec":1}', 'test'), /#spec is no text/);
  assert.throws(() => readStateDocument('[]', 'test'), /no JSON object/);
});

test('the text of every value is canonical', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3 })),
      fc.boolean(),
      (members, ours) => {
        const text = ours ? canonicalValue(members) : JSON.stringify(members);
        const { values } = readStateDocument(text, 'test');
        for (const [key, value] of values) {
          if (value.kind === 'inline') assert.equal(value.text, canonicalValue(members[key]));
          assert.doesNotThrow(() => nodeOf(valueText(value)));
        }
        const keys = [...values.keys()];
        if (ours) assert.deepEqual(keys, keys.toSorted(compareCodePoints));
      },
    ),
  );
});
