/** UTF-8 (RFC 3629) in plain ECMAScript, for the small host, which has no TextEncoder. */

/** The UTF-8 bytes of a text; a lone surrogate becomes U+FFFD. */
export function encodeText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    let code = text.charCodeAt(index);
    if (code >= 0xd800 && code <= 0xdfff) {
      const low = text.charCodeAt(index + 1);
      if (code <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        index += 1;
      } else code = 0xfffd;
    }
    if (code < 0x80) bytes[length++] = code;
    else if (code < 0x800) {
      bytes[length++] = 0xc0 | (code >> 6);
      bytes[length++] = 0x80 | (code & 63);
    } else if (code < 0x10000) {
      bytes[length++] = 0xe0 | (code >> 12);
      bytes[length++] = 0x80 | ((code >> 6) & 63);
      bytes[length++] = 0x80 | (code & 63);
    } else {
      bytes[length++] = 0xf0 | (code >> 18);
      bytes[length++] = 0x80 | ((code >> 12) & 63);
      bytes[length++] = 0x80 | ((code >> 6) & 63);
      bytes[length++] = 0x80 | (code & 63);
    }
  }
  return bytes.slice(0, length);
}

/** Text of UTF-8 bytes; what is malformed becomes U+FFFD, one for each maximal subpart, as the Encoding Standard asks. */
export function decodeText(bytes: Uint8Array): string {
  let text = '';
  let units: number[] = [];
  for (let index = 0; index < bytes.length; ) {
    const first = bytes[index]!;
    const extra =
      first < 0x80
        ? 0
        : first >= 0xc2 && first < 0xe0
          ? 1
          : first >= 0xe0 && first < 0xf0
            ? 2
            : first >= 0xf0 && first < 0xf5
              ? 3
              : -1;
    index += 1;
    let code =
      extra === 0 ? first : extra === 1 ? first & 31 : extra === 2 ? first & 15 : extra === 3 ? first & 7 : 0xfffd;
    for (let step = 0; step < extra; step += 1) {
      const next = bytes[index];
      const low = step === 0 && first === 0xe0 ? 0xa0 : step === 0 && first === 0xf0 ? 0x90 : 0x80;
      const high = step === 0 && first === 0xed ? 0x9f : step === 0 && first === 0xf4 ? 0x8f : 0xbf;
      if (next === undefined || next < low || next > high) {
        code = 0xfffd;
        break;
      }
      code = (code << 6) | (next & 63);
      index += 1;
    }
    if (code > 0xffff) units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
    else units.push(code);
    if (units.length > 4096) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}
