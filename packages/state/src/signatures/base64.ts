/** base64url without padding (RFC 4648 §5), for the small header of a signature; payloads are encoded behind the port. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const values = new Map(Array.from(alphabet, (character, value) => [character, value]));

/** Decodes to UTF-8 text; undefined when it is no base64url or no UTF-8. The standard alphabet and padding are taken too. */
export function decodeBase64Text(text: string): string | undefined {
  const bytes = decodeBase64(text.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_'));
  return bytes && decodeUtf8(bytes);
}

function decodeBase64(text: string): number[] | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const character of text) {
    const value = values.get(character);
    if (value === undefined) return undefined;
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push((bits >> count) & 0xff);
    }
  }
  return bytes;
}

const shapes = [
  { mask: 0x80, mark: 0x00, length: 1, least: 0 },
  { mask: 0xe0, mark: 0xc0, length: 2, least: 0x80 },
  { mask: 0xf0, mark: 0xe0, length: 3, least: 0x800 },
  { mask: 0xf8, mark: 0xf0, length: 4, least: 0x10000 },
];

function decodeUtf8(bytes: readonly number[]): string | undefined {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const shape = shapes.find(({ mask, mark }) => (lead & mask) === mark);
    if (!shape || at + shape.length > bytes.length) return undefined;
    let code = lead & ~shape.mask & 0xff;
    for (let index = 1; index < shape.length; index += 1) {
      const next = bytes[at + index] ?? 0;
      if ((next & 0xc0) !== 0x80) return undefined;
      code = (code << 6) | (next & 0x3f);
    }
    if (code < shape.least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    text += String.fromCodePoint(code);
    at += shape.length;
  }
  return text;
}
