import type { TextCoding } from '../ports.ts';

const replacement = 0xfffd;

/** UTF-8 bytes of a text; a lone surrogate becomes U+FFFD (RFC 3629, Encoding Standard). */
export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0) ?? replacement;
    if (code >= 0xd800 && code <= 0xdfff) code = replacement;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(bytes);
}

/** Bounds of the first continuation byte: they exclude overlong forms, surrogates and what is above U+10FFFF. */
function secondByteRange(first: number): [low: number, high: number] {
  if (first === 0xe0) return [0xa0, 0xbf];
  if (first === 0xed) return [0x80, 0x9f];
  if (first === 0xf0) return [0x90, 0xbf];
  if (first === 0xf4) return [0x80, 0x8f];
  return [0x80, 0xbf];
}

function sequenceLength(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

/** Text of UTF-8 bytes; each longest malformed part becomes one U+FFFD, as the Encoding Standard's decoder does. */
export function decodeUtf8(bytes: Uint8Array): string {
  const parts: string[] = [];
  let codes: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    at += 1;
    if (first < 0x80) codes.push(first);
    else {
      const length = sequenceLength(first);
      let code = first & (0x7f >> length);
      let [low, high] = secondByteRange(first);
      let seen = 1;
      while (seen < length) {
        const next = bytes[at];
        if (next === undefined || next < low || next > high) break;
        code = (code << 6) | (next & 63);
        at += 1;
        seen += 1;
        [low, high] = [0x80, 0xbf];
      }
      codes.push(length > 0 && seen === length ? code : replacement);
    }
    if (codes.length >= 4096) {
      parts.push(String.fromCodePoint(...codes));
      codes = [];
    }
  }
  parts.push(String.fromCodePoint(...codes));
  return parts.join('');
}

/** Text coding without a platform. */
export function memoryTextCoding(): TextCoding {
  return { encode: encodeUtf8, decode: decodeUtf8 };
}
