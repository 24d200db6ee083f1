import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256Hex } from './sha256.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

test('bytes decode as the platform decodes them', () => {
  const platform = new TextDecoder('utf-8', { ignoreBOM: true });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => decodeUtf8(bytes) === platform.decode(bytes)));
});

test('texts encode as the platform encodes them', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  fc.assert(fc.property(text, (value) => Buffer.from(encodeUtf8(value)).equals(Buffer.from(value))));
  assert.deepEqual(encodeUtf8('\ud800'), Uint8Array.of(0xef, 0xbf, 0xbd));
});

test('SHA-256 is the platform’s', () => {
  const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => sha256Hex(bytes) === digest(bytes)));
});
