import assert from 'node:assert/strict';
import test from 'node:test';
import { canonicalJson, canonicalValue } from '@pantavisor/state';
import fc from 'fast-check';
import { applyPatch, diffNodes, holdsNull, withoutNulls } from './patch.ts';
import { nodeOf } from './values.ts';

/** JSON without nulls, as states are. */
const json = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, fc.string(), fc.integer(), fc.boolean(), tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(fc.string(), tie('value'), { maxKeys: 5, noNullPrototype: true }),
}));

test('a patch between two states turns the one into the other', () => {
  fc.assert(
    fc.property(json.object, json.object, (before, after) => {
      const [a, b] = [nodeOf(JSON.stringify(before)), nodeOf(JSON.stringify(after))];
      const patch = diffNodes(a, b);
      const result = patch ? applyPatch(a, patch) : a;
      assert.equal(canonicalJson(result), canonicalValue(after));
    }),
    { numRuns: 300 },
  );
});

test('equal states have no patch, and a patch applied twice is as one', () => {
  fc.assert(
    fc.property(json.object, json.object, (state, patch) => {
      const [node, change] = [nodeOf(JSON.stringify(state)), nodeOf(JSON.stringify(patch))];
      assert.equal(diffNodes(node, node), undefined);
      const once = applyPatch(node, change);
      assert.equal(canonicalJson(applyPatch(once, change)), canonicalJson(once));
    }),
    { numRuns: 200 },
  );
});

test('a patch agrees with RFC 7386 Appendix A', () => {
  const cases: [string, string, string][] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"e":1}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}},"e":1}'],
  ];
  for (const [target, patch, result] of cases)
    assert.equal(canonicalJson(applyPatch(nodeOf(target), nodeOf(patch))), result, `${target} + ${patch}`);
});

test('numbers of any size survive', () => {
  const before = nodeOf('{"a":12345678901234567890}');
  const after = nodeOf('{"a":12345678901234567891,"b":0.1}');
  assert.equal(canonicalJson(applyPatch(before, diffNodes(before, after)!)), '{"a":12345678901234567891,"b":1.0E-1}');
});

test('nulls are found and removed at any depth', () => {
  const node = nodeOf('{"a":[1,null,{"b":null}],"c":{"d":2}}');
  assert.equal(holdsNull(node), true);
  assert.equal(canonicalJson(withoutNulls(node)), '{"a":[1,{}],"c":{"d":2}}');
  assert.equal(holdsNull(withoutNulls(node)), false);
});
