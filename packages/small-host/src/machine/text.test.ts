import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeText, encodeText } from './text.ts';

test('encodes as the platform does', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) =>
      assert.deepEqual(encodeText(text), new Uint8Array(new TextEncoder().encode(text))),
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0xffff })), (units) => {
      const text = String.fromCharCode(...units);
      assert.deepEqual(encodeText(text), new Uint8Array(new TextEncoder().encode(text)));
    }),
  );
});

test('decodes any bytes as the platform does', () => {
  const platform = new TextDecoder('utf-8', { ignoreBOM: true });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => assert.equal(decodeText(bytes), platform.decode(bytes))),
    { numRuns: 2000 },
  );
  const awkward = fc.array(
    fc.constantFrom(0x00, 0x41, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff),
  );
  fc.assert(
    fc.property(awkward, (bytes) =>
      assert.equal(decodeText(Uint8Array.from(bytes)), platform.decode(Uint8Array.from(bytes))),
    ),
    { numRuns: 5000 },
  );
});
