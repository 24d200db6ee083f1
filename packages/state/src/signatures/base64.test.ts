import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBase64Text } from './base64.ts';

test('decodes what Node encodes, in either alphabet', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
      (text) => {
        assert.equal(decodeBase64Text(Buffer.from(text).toString('base64url')), text);
        assert.equal(decodeBase64Text(Buffer.from(text).toString('base64')), text);
      },
    ),
  );
});

test('bytes that are no UTF-8 are refused, all others decoded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
      let expected: string | undefined;
      try {
        expected = decoder.decode(bytes);
      } catch {
        expected = undefined;
      }
      assert.equal(decodeBase64Text(Buffer.from(bytes).toString('base64url')), expected);
    }),
    { numRuns: 1000 },
  );
});

test('what is no base64 is refused', () => {
  for (const text of ['a', 'ab c', 'ab\n', 'äb', 'ab*d', 'abcde'])
    assert.equal(decodeBase64Text(text), undefined, text);
  assert.equal(decodeBase64Text(''), '');
});
