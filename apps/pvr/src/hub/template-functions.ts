/** Functions of templates: those of Go's text/template, and the usual ones of sprig; the value comes last. */
import { posix } from 'node:path';
import { isTrue, type TemplateFunction, type Value } from './go-template.ts';
import { formatTime } from './go-time.ts';

const text = (value: Value): string => String(value ?? '');
const number = (value: Value): number => Number(value ?? 0);

function compare(a: Value, b: Value): number {
  if (typeof a === 'number' || typeof b === 'number') return number(a) - number(b);
  return text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0;
}

/** `%s %v %d %q %x %t %f %%` with flags, width and precision (Go, package fmt). */
export function formatWith(format: string, values: readonly Value[]): string {
  const rest = [...values];
  return format.replace(/%([-0+ ]*)(\d*)(?:\.(\d+))?([sdvqxXtf%])/g, (_, flags: string, width: string, most, verb) => {
    if (verb === '%') return '%';
    const value = rest.shift();
    let shown = text(value);
    if (verb === 'q') shown = JSON.stringify(shown);
    else if (verb === 'd') shown = String(Math.trunc(number(value)));
    else if (verb === 'f') shown = number(value).toFixed(most === undefined ? 6 : Number(most));
    else if (verb === 'x' || verb === 'X')
      shown = typeof value === 'number' ? value.toString(16) : Buffer.from(shown).toString('hex');
    if (verb === 'X') shown = shown.toUpperCase();
    if (most !== undefined && verb !== 'f') shown = shown.slice(0, Number(most));
    const room = Number(width || 0);
    if (flags.includes('-')) return shown.padEnd(room);
    return shown.padStart(room, flags.includes('0') && verb !== 's' ? '0' : ' ');
  });
}

const date = (layout: Value, time: Value): string => {
  const found = new Date(text(time));
  return Number.isNaN(found.getTime()) ? text(time) : formatTime(found, text(layout));
};
const printf: TemplateFunction = (format, ...values) => formatWith(text(format), values);

export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  and: (...values) => values.find((value: Value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  not: (value) => !isTrue(value),
  eq: (first, ...others) => others.some((other) => compare(first, other) === 0),
  ne: (a, b) => compare(a, b) !== 0,
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  len: (value) => text(value).length,
  print: (...values) => values.map(text).join(''),
  println: (...values) => `${values.map(text).join(' ')}\n`,
  printf,
  sprintf: printf,
  basename: (path) => posix.basename(text(path)),
  base: (path) => posix.basename(text(path)),
  dir: (path) => posix.dirname(text(path)),
  ext: (path) => posix.extname(text(path)),
  timeformat: (layout, time) => (time === undefined ? date('RFC3339', layout) : date(layout, time)),
  date: (layout, time) => date(layout, time),
  upper: (value) => text(value).toUpperCase(),
  lower: (value) => text(value).toLowerCase(),
  title: (value) => text(value).replace(/(^|\s)\S/g, (letter) => letter.toUpperCase()),
  trim: (value) => text(value).trim(),
  trimPrefix: (prefix, value) =>
    text(value).startsWith(text(prefix)) ? text(value).slice(text(prefix).length) : value,
  trimSuffix: (suffix, value) =>
    suffix !== '' && text(value).endsWith(text(suffix)) ? text(value).slice(0, -text(suffix).length) : value,
  trunc: (length, value) =>
    number(length) < 0 ? text(value).slice(number(length)) : text(value).slice(0, number(length)),
  abbrev: (length, value) =>
    text(value).length > number(length) ? `${text(value).slice(0, Math.max(0, number(length) - 3))}...` : value,
  substr: (from, to, value) => text(value).slice(number(from), number(to)),
  replace: (old, fresh, value) => text(value).replaceAll(text(old), text(fresh)),
  contains: (part, value) => text(value).includes(text(part)),
  hasPrefix: (part, value) => text(value).startsWith(text(part)),
  hasSuffix: (part, value) => text(value).endsWith(text(part)),
  repeat: (count, value) => text(value).repeat(Math.max(0, Math.min(1000, number(count)))),
  nospace: (value) => text(value).replace(/\s+/g, ''),
  indent: (count, value) => text(value).replace(/^/gm, ' '.repeat(Math.max(0, Math.min(1000, number(count))))),
  quote: (value) => JSON.stringify(text(value)),
  squote: (value) => `'${text(value)}'`,
  default: (fallback, value) => (isTrue(value) ? value : fallback),
  coalesce: (...values) => values.find(isTrue),
  ternary: (yes, no, condition) => (isTrue(condition) ? yes : no),
  empty: (value) => !isTrue(value),
  toString: (value: Value) => text(value),
  json: (value) => JSON.stringify(value ?? null),
  toJson: (value) => JSON.stringify(value ?? null),
  b64enc: (value) => Buffer.from(text(value)).toString('base64'),
  b64dec: (value) => Buffer.from(text(value), 'base64').toString('utf8'),
  int: (value) => Math.trunc(number(value)),
  add: (...values) => values.reduce<number>((sum, value) => sum + number(value), 0),
  sub: (a, b) => number(a) - number(b),
  mul: (...values) => values.reduce<number>((product, value) => product * number(value), 1),
  div: (a, b) => Math.trunc(number(a) / number(b)),
  mod: (a, b) => number(a) % number(b),
};
