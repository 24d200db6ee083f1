import type { TextCoding } from '../ports.ts';

const replacement = 0xfffd;

/** UTF-8 bytes of a text; a lone surrogate becomes U+FFFD (RFC 3629, Encoding Standard). */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let at = 0;
  const put = (byte: number) => {
    bytes[at] = byte;
    at += 1;
  };
  for (let index = 0; index < text.length; index += 1) {
    let code = text.codePointAt(index) ?? replacement;
    if (code > 0xffff) index += 1;
    if (code >= 0xd800 && code <= 0xdfff) code = replacement;
    if (code < 0x80) put(code);
    else {
      const more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      put(((0xff00 >> (more + 1)) & 0xff) | (code >> (6 * more)));
      for (let shift = 6 * (more - 1); shift >= 0; shift -= 6) put(0x80 | ((code >> shift) & 63));
    }
  }
  return bytes.slice(0, at);
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
