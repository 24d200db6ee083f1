/** What every implementation of the port `TextCoding` promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TextCoding } from '../ports.ts';

/** Malformed UTF-8 and what it is read as: U+FFFD for each maximal subpart (Encoding Standard, UTF-8 decoder). */
const malformed: [bytes: number[], text: string][] = [
  [[0x61, 0xff], 'a\ufffd'],
  [[0x80], '\ufffd'],
  [[0xc0, 0xaf], '\ufffd\ufffd'],
  [[0xed, 0xa0, 0x80], '\ufffd\ufffd\ufffd'],
  [[0xe2, 0x82], '\ufffd'],
  [[0xe2, 0x82, 0x61], '\ufffda'],
  [[0xf4, 0x90, 0x80, 0x80], '\ufffd\ufffd\ufffd\ufffd'],
  [[0xf0, 0x9f, 0xa6, 0x00], '\ufffd\0'],
];

/** Texts that come back as they were. */
const whole = ['', 'plain', '\ufeffgrün 🦊', 'with \0 NUL', '\ufffd', '€'.repeat(100_000), 'a🦊'.repeat(60_000)];

/**
 * Registers the tests of the port `TextCoding`.
 * @param name of the implementation
 */
export function testText(name: string, text: () => TextCoding): void {
  describe(`text: ${name}`, () => {
    it('keeps text of any length, with NULs and a byte order mark', () => {
      const { encode, decode } = text();
      for (const each of whole) assert.ok(decode(encode(each)) === each, `${each.slice(0, 20)} is another one`);
      assert.deepEqual(encode('grün'), Uint8Array.of(0x67, 0x72, 0xc3, 0xbc, 0x6e));
    });
    it('replaces what is malformed', () => {
      const { encode, decode } = text();
      const padding = 'x'.repeat(200_000);
      for (const [bytes, expected] of malformed) {
        assert.equal(decode(Uint8Array.from(bytes)), expected);
        const long = Uint8Array.from([...encode(padding), ...bytes]);
        assert.ok(decode(long) === padding + expected, `${bytes} after much text`);
      }
      assert.deepEqual(encode('\ud800a'), Uint8Array.of(0xef, 0xbf, 0xbd, 0x61));
    });
  });
}
