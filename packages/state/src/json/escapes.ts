/** Escape sequences of JSON strings (RFC 8259 §7). */

const simple: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', '/': '/' };

const sequence = /\\(?:u([0-9A-Fa-f]{4})|(.?))/gs;

/**
 * Decodes the text between the quotes of a JSON string. A wrong escape sequence stays as written (the reader reports it).
 * Surrogates are taken as they come: a lone one is legal JSON and refused where text becomes a path.
 */
export function decodeString(raw: string): string {
  return raw.replace(sequence, (match: string, code: string | undefined, letter: string) =>
    code === undefined ? (simple[letter] ?? match) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

const fourDigits = /[0-9A-Fa-f]{4}/y;

/** Length of the escape sequence that starts with the backslash at `at`, or 0 when it is none of JSON's. */
export function escapeLength(text: string, at: number): number {
  const letter = text[at + 1] ?? '';
  if (letter === 'u') {
    fourDigits.lastIndex = at + 2;
    return fourDigits.test(text) ? 6 : 0;
  }
  return simple[letter] === undefined ? 0 : 2;
}
