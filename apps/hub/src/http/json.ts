/**
 * The two ways in which the hub writes JSON (hub-api §1.2): canonical (sorted keys, used under `/trails` and for
 * `state-sha`) and compact in field order with `<`, `>`, `&` escaped.
 */

/** A number that a double cannot hold or that canonical JSON writes differently: its canonical text. */
export class ExactNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toJSON(): number {
    return Number(this.text);
  }
}

/** Canonical JSON text made earlier, put into an answer as it is. */
export class CanonicalText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/**
 * Parses JSON and keeps numbers exactly: integers beyond 2^53 and fractions come as {@link ExactNumber}.
 * @throws SyntaxError
 */
export function parseExactly(text: string): unknown {
  if (!/\d[.eE]|\d{16}|-0/.test(text)) return JSON.parse(text);
  return parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined) return value;
    const canonical = canonicalNumber(source);
    return Number.isSafeInteger(value) && String(value) === canonical ? value : new ExactNumber(canonical);
  });
}

/** Canonical form of a JSON number (gibson042 canonical JSON): integers as digits, fractions as `d.dE±n`. */
export function canonicalNumber(source: string): string {
  const match = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(source);
  if (match === null) return source;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const scale = Number(exponent) - fraction.length + (digits.length - significant.length);
  if (scale >= 0 && scale < 4096) return sign + significant + '0'.repeat(scale);
  return `${sign}${significant[0]}.${significant.slice(1) || '0'}E${scale + significant.length - 1}`;
}

const byCodePoint = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    // Surrogates stand for code points above the rest of the BMP, though their units are smaller.
    if (x !== y) return (isSurrogate(x) ? x + 0x10000 : x) - (isSurrogate(y) ? y + 0x10000 : y);
  }
  return a.length - b.length;
};
const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;

// JSON.stringify writes lower-case digits, canonical JSON wants upper case; `.` swallows escaped backslashes pairwise.
const canonicalString = (text: string) =>
  JSON.stringify(text).replaceAll(/\\(?:u([0-9a-f]{4})|.)/g, (sequence: string, code: string | undefined) =>
    code === undefined ? sequence : `\\u${code.toUpperCase()}`,
  );

/** Writes a value as canonical JSON; members that are `undefined` are left out. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : canonicalNumber(String(value));
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (value instanceof ExactNumber || value instanceof CanonicalText) return value.text;
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => byCodePoint(a, b));
  return `{${members.map(([key, member]) => `${canonicalString(key)}:${canonicalJson(member)}`).join(',')}}`;
}

const htmlUnsafe = /[<>&\u2028\u2029]/g;
const escapeUnit = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Writes a value in field order with `<`, `>`, `&`, U+2028 and U+2029 escaped. @param indent spaces a level, 0 = compact */
export function compactJson(value: unknown, indent = 0): string {
  return (JSON.stringify(value, null, indent) ?? 'null').replaceAll(htmlUnsafe, escapeUnit);
}

/** A copy of a map with its keys sorted: the order in which maps are written everywhere. */
export function sortedMap(map: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => byCodePoint(a, b)));
}

/** Whether a value is a JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}
