/**
 * Canonical JSON as pvr writes it: sorted names, no white space, shortest strings, numbers by value. Byte-compatible with
 * the canonical form of the Go library behind pvr, so that hashes and signatures of the same state agree (pvr §1.3).
 */
import type { JsonMember, JsonNode, JsonObject } from './nodes.ts';
import { readJson } from './reader.ts';

/** Integers of more digits keep an exponent: a few characters of source must not become megabytes. */
const integerDigits = 4096;

/**
 * Writes a value canonically. Of duplicate members the last one is written; what could not be read is written as null.
 * Nothing is lost: numbers are converted as decimal text, never through binary floats.
 */
export function canonicalJson(node: JsonNode): string {
  return write(node, { colon: ':' }, canonicalString, canonicalNumber);
}

/**
 * The same of the value without members and items that are null, at any depth: what pvr leaves of a value (pvr §1.4), and what a
 * manifest says to a device, which takes null as absent.
 */
export function canonicalWithoutNulls(node: JsonNode): string {
  return write(node, { colon: ':', dropsNulls: true }, canonicalString, canonicalNumber);
}

/** Canonical text of a plain value, such as one made by `JSON.parse`. */
export function canonicalValue(value: unknown): string {
  const { root } = readJson(JSON.stringify(value) ?? 'null');
  return root ? canonicalJson(root) : 'null';
}

/**
 * Writes a value for people: names in canonical order, one member a line, empty objects and lists on one.
 *
 * @param indent text of one level, e.g. four spaces or a tab
 * @param escapeHtml write `<`, `>`, `&` and the line separators as escape sequences, as Go's encoder does
 */
export function prettyJson(node: JsonNode, indent: string, escapeHtml = false): string {
  const text = escapeHtml ? htmlSafeString : canonicalString;
  return write(node, { colon: ': ', indent }, text, (source) => source);
}

interface Layout {
  colon: string;
  indent?: string;
  dropsNulls?: boolean;
}

/** Works off a list of what is still to be written, so that no nesting exhausts the stack. */
function write(
  root: JsonNode,
  layout: Layout,
  stringText: (value: string) => string,
  numberText: (source: string) => string,
): string {
  const { indent, dropsNulls = false } = layout;
  const breakLine = (depth: number): string => (indent === undefined ? '' : `\n${indent.repeat(depth)}`);
  const output: string[] = [];
  const pending: (string | { node: JsonNode; depth: number })[] = [{ node: root, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next === 'string') {
      output.push(next);
      continue;
    }
    const { node, depth } = next;
    if (node.kind === 'object' || node.kind === 'array') {
      const all: { key?: string; value: JsonNode }[] =
        node.kind === 'object' ? sortedMembers(node) : node.items.map((value) => ({ value }));
      const members = dropsNulls ? all.filter(({ value }) => value.kind !== 'null') : all;
      const [opening, closing] = node.kind === 'object' ? ['{', '}'] : ['[', ']'];
      if (members.length === 0) {
        output.push(opening, closing);
        continue;
      }
      output.push(opening);
      pending.push(breakLine(depth) + closing);
      for (let index = members.length - 1; index >= 0; index -= 1) {
        const member = members[index];
        if (!member) continue;
        const name = member.key === undefined ? '' : stringText(member.key) + layout.colon;
        pending.push({ node: member.value, depth: depth + 1 });
        pending.push((index === 0 ? '' : ',') + breakLine(depth + 1) + name);
      }
    } else if (node.kind === 'string') output.push(stringText(node.value));
    else if (node.kind === 'number') output.push(numberText(node.text));
    else output.push(node.kind === 'boolean' ? String(node.value) : 'null');
  }
  return output.join('');
}

const highUnits = /[\ud800-\uffff]/;

function sortedMembers(object: JsonObject): JsonMember[] {
  const last = new Map(object.members.map((member) => [member.key, member]));
  const members = [...last.values()];
  // Below the surrogates the built-in order of strings is that of code points, and much faster.
  return members.some(({ key }) => highUnits.test(key))
    ? members.sort((a, b) => compareCodePoints(a.key, b.key))
    : members.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Order by Unicode code point, which is that of UTF-8 bytes; plain comparison is by UTF-16 unit and puts U+FF00 last. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Units of surrogate pairs stand for code points above all others. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

const short: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 demands that exactly these are escaped.
const special = /["\\\u0000-\u001f]|\p{Cs}/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above, and what Go's encoder escapes besides.
const htmlSpecial = /["\\\u0000-\u001f<>&\u2028\u2029]|\p{Cs}/gu;

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0');
}

function canonicalString(value: string): string {
  return `"${value.replace(special, (character) => short[character] ?? `\\u${hex(character).toUpperCase()}`)}"`;
}

function htmlSafeString(value: string): string {
  return `"${value.replace(htmlSpecial, (character) => short[character] ?? `\\u${hex(character)}`)}"`;
}

/** Whole numbers as plain digits, others as `1.5E0`: one digit, point, the rest, exponent. */
export function canonicalNumber(source: string): string {
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(source);
  if (!match) return source;
  const [, sign = '', whole = '', fraction = '', power = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const exponent = BigInt(power) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  const size = exponent + BigInt(significant.length);
  if (exponent >= 0n && size <= BigInt(integerDigits)) return sign + significant + '0'.repeat(Number(exponent));
  return `${sign}${significant.slice(0, 1)}.${significant.slice(1) || '0'}E${size - 1n}`;
}
