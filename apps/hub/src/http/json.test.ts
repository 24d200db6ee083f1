import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, canonicalNumber, compactJson, parseExactly } from './json.ts';

test('canonical numbers', () => {
  const table = {
    '1e3': '1000',
    '-0': '0',
    '1.5': '1.5E0',
    '0.00012': '1.2E-4',
    '100': '100',
    '-12.50': '-1.25E1',
    '1.0': '1',
    '5e-1': '5.0E-1',
  };
  for (const [source, wanted] of Object.entries(table)) assert.equal(canonicalNumber(source), wanted, source);
});

test('big integers survive', () => {
  const text = '{"a":123456789012345678901234567890,"b":[9007199254740993]}';
  assert.equal(canonicalJson(parseExactly(text)), text);
});

test('keys sort by code point, astral ones last', () => {
  assert.equal(canonicalJson({ '\u{1F600}': 1, '\uFF2E': 2, b: 3, a: 4 }), '{"a":4,"b":3,"\uFF2E":2,"\u{1F600}":1}');
});

test('control characters and lone surrogates are written with upper-case digits, text that looks like an escape is not', () => {
  assert.equal(canonicalJson('\u001f\ud83d'), '"\\u001F\\uD83D"');
  assert.equal(canonicalJson('\\u001f'), '"\\\\u001f"');
});

test('canonical JSON is JSON, stable, and loses nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(parseExactly(JSON.stringify(value)));
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      assert.equal(canonicalJson(parseExactly(text)), text);
    }),
    { numRuns: 300 },
  );
});

test('compact JSON keeps the order and escapes what HTML would read', () => {
  assert.equal(compactJson({ b: '<&>\u2028', a: 1 }), '{"b":"\\u003c\\u0026\\u003e\\u2028","a":1}');
});
