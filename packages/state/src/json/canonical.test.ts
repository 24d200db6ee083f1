import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, canonicalNumber, canonicalValue, compareCodePoints, prettyJson } from './canonical.ts';
import { readJson } from './reader.ts';

function canonical(text: string): string {
  const { root, problems } = readJson(text);
  assert.ok(root && problems.length === 0);
  return canonicalJson(root);
}

const numbers: [source: string, canonical: string][] = [
  ['0', '0'],
  ['-0', '0'],
  ['-0.000', '0'],
  ['1e3', '1000'],
  ['12345678901234567890', '12345678901234567890'],
  ['-150e-1', '-15'],
  ['1.5', '1.5E0'],
  ['0.00012', '1.2E-4'],
  ['123.456', '1.23456E2'],
  ['-0.5', '-5.0E-1'],
  ['1e-7', '1.0E-7'],
  ['10.50', '1.05E1'],
];

for (const [source, expected] of numbers) {
  test(`the number ${source} is written ${expected}`, () => assert.equal(canonicalNumber(source), expected));
}

test('a huge exponent stays one', () => {
  assert.equal(canonicalNumber('1e999999999999999999999'), '1.0E999999999999999999999');
  assert.equal(canonicalNumber('1e4095').length, 4096);
});

test('numbers keep their value and are written one way', () => {
  const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: -40, max: 40 }));
  fc.assert(
    fc.property(decimal, fc.nat(5), ([digits, exponent], zeros) => {
      const written = canonicalNumber(`${digits}e${exponent}`);
      assert.equal(canonicalNumber(`${digits}${'0'.repeat(zeros)}E${exponent - zeros}`), written);
      assert.equal(canonicalNumber(written), written);
      assert.equal(Number(written), Number(`${digits}e${exponent}`));
    }),
  );
});

test('names are sorted by code point, strings escaped as little as can be', () => {
  assert.equal(canonical('{"\ud83d\ude00":1,"\uff00":2,"b":3,"a":4}'), '{"a":4,"b":3,"\uff00":2,"\ud83d\ude00":1}');
  assert.equal(
    canonical('["<>&\\/\\u00e9\\u2028","\\u0007\\u001f\\b\\"\\\\","\\ud800x"]'),
    '["<>&/é\u2028","\\u0007\\u001F\\b\\"\\\\","\\uD800x"]',
  );
});

test('the order of names is that of their UTF-8 bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      const bytes = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.equal(Math.sign(compareCodePoints(a, b)), bytes);
    }),
  );
});

test('canonical text is a fixed point, keeps the value, and does not depend on order or layout', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = canonicalValue(value);
      assert.equal(canonical(text), text);
      assert.deepEqual(
        JSON.parse(text),
        JSON.parse(JSON.stringify(value), (_, part) => (Object.is(part, -0) ? 0 : part)),
      );
      assert.equal(canonical(JSON.stringify(value, null, 3)), text);
      if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
        assert.equal(canonicalValue(Object.fromEntries(Object.entries(value).reverse())), text);
      }
    }),
  );
});

test('the form for people has one member a line, and escapes for HTML where Go does', () => {
  const { root } = readJson('{"b":[1,{},[]],"a":{"c":"<&>\\u0001","n":1.50}}');
  assert.ok(root);
  assert.equal(
    prettyJson(root, '    ', true),
    '{\n    "a": {\n        "c": "\\u003c\\u0026\\u003e\\u0001",\n        "n": 1.50\n    },\n    "b": [\n        1,\n        {},\n        []\n    ]\n}',
  );
  assert.equal(prettyJson(root, '\t').includes('"<&>\\u0001"'), true);
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const tree = readJson(JSON.stringify(value)).root;
      assert.ok(tree);
      assert.equal(canonical(prettyJson(tree, ' ', true)), canonicalJson(tree));
    }),
  );
});
