import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalValue } from './canonical.ts';
import { sameJson, sameManifest } from './same.ts';

test('the way of writing says nothing', () => {
  assert.ok(sameJson('{"a":1,"b":[true,null]}', ' {"b" : [ true,null ],\n"a":1.0e0}'));
  assert.ok(sameJson('"\\u00e9\\/"', '"é/"'));
  assert.ok(sameJson('not json', 'not json'));
});

test('what says something else is not the same', () => {
  for (const [left, right] of [
    ['[1,2]', '[2,1]'],
    ['{"a":1}', '{"a":"1"}'],
    ['{"a":null}', '{}'],
    ['9007199254740993', '9007199254740992'],
    ['not json', 'not  json'],
    ['{}', '{} x'],
  ] as const)
    assert.ok(!sameJson(left, right), `${left} ${right}`);
});

test('a name twice is only the same as itself', () => {
  assert.ok(!sameJson('{"a":1,"a":2}', '{"a":2}'));
  assert.ok(!sameJson('[{"a":1,"a":2}]', '[{"a":3,"a":2}]'));
  assert.ok(sameJson('{"a":1,"a":2}', '{"a":1,"a":2}'));
});

test('nulls say nothing in a manifest, at any depth and in lists, and everything else does', () => {
  assert.ok(sameManifest('{"a":null,"b":{"c":[1,null,{"d":null}]}}', '{"b":{"c":[1,{}]}}'));
  assert.ok(sameManifest('[null]', ' [ ]'));
  for (const [left, right] of [
    ['{"a":{"b":null}}', '{}'],
    ['{"a":"null"}', '{}'],
    ['{"a":null,"a":1}', '{"a":1}'],
    ['null', '{}'],
  ] as const)
    assert.ok(!sameManifest(left, right), `${left} ${right}`);
});

test('any value is the same as its canonical and its indented form, and differs from any other', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      const [left, right] = [canonicalValue(one), JSON.stringify(other, undefined, 2)];
      assert.ok(sameJson(left, JSON.stringify(one, undefined, 2)));
      assert.equal(sameJson(left, right), left === canonicalValue(other));
    }),
  );
});
