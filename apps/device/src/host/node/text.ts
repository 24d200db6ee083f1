import type { TextCoding } from '../ports.ts';

/** UTF-8. A byte order mark is content like any other. */
export function createText(): TextCoding {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return { encode: (text) => encoder.encode(text), decode: (bytes) => decoder.decode(bytes) };
}
