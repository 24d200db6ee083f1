/** How log entries are shown: `short`, `json`, or a template in a small part of Go's template language. */
import { posix } from 'node:path';
import { Failure } from '@pantavisor/cli';
import type { LogEntry } from '@pantavisor/hub-api';

export type LogFormatter = (entry: LogEntry) => string;

/** Fields as Go programs name them (user documentation, "pvr logs --template"). */
const fields: Readonly<Record<string, (entry: LogEntry) => unknown>> = {
  ID: ({ id }) => id,
  Device: ({ dev }) => dev,
  Owner: ({ own }) => own,
  TimeCreated: (entry) => entry['time-created'],
  LogTSec: ({ tsec }) => tsec ?? 0,
  LogTNano: ({ tnano }) => tnano ?? 0,
  LogRev: ({ rev }) => rev ?? '',
  LogPlat: ({ plat }) => plat ?? '',
  LogSource: ({ src }) => src ?? '',
  LogLevel: ({ lvl }) => lvl ?? '',
  LogText: ({ msg }) => msg ?? '',
};

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

const times: Readonly<Record<string, (date: Date) => string>> = {
  Stamp: (date) => `${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)} ${clock(date)}`,
  Kitchen: (date) =>
    `${date.getUTCHours() % 12 || 12}:${two(date.getUTCMinutes())}${date.getUTCHours() < 12 ? 'AM' : 'PM'}`,
  RFC3339: (date) => date.toISOString().replace(/\.\d+Z$/, 'Z'),
  DateTime: (date) => `${date.toISOString().slice(0, 10)} ${clock(date)}`,
  DateOnly: (date) => date.toISOString().slice(0, 10),
  TimeOnly: (date) => clock(date),
  Unix: (date) => String(Math.floor(date.getTime() / 1000)),
};

function clock(date: Date): string {
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

const functions: Readonly<Record<string, (value: string, argument: string | undefined) => string>> = {
  basename: (value) => posix.basename(value),
  upper: (value) => value.toUpperCase(),
  lower: (value) => value.toLowerCase(),
  trim: (value) => value.trim(),
  json: (value) => JSON.stringify(value),
  default: (value, argument = '') => (value === '' ? argument : value),
  trunc: (value, argument = '0') => value.slice(0, Number(argument)),
  sprintf: (value, argument = '%s') =>
    argument.replace(/%(-?)(\d*)(?:\.(\d+))?[sdv]/, (_, left: string, width: string, most: string | undefined) => {
      const text = most === undefined ? value : value.slice(0, Number(most));
      return left === '-' ? text.padEnd(Number(width || 0)) : text.padStart(Number(width || 0));
    }),
  timeformat: (value, argument = 'RFC3339') => {
    const format = times[argument];
    if (!format) throw unknown(`the time format ${argument}`, Object.keys(times));
    return format(new Date(value));
  },
};

/** @throws Failure `template-invalid` */
export function logFormatter(template: string): LogFormatter {
  if (template === 'json') return (entry) => JSON.stringify(entry);
  if (template === '' || template === 'short') return short;
  const parts = template.split(/(\{\{.*?\}\})/s).map((part): LogFormatter => {
    const inner = /^\{\{-?\s*(.*?)\s*-?\}\}$/s.exec(part)?.[1];
    if (inner === undefined) return () => part.replaceAll('\\n', '\n').replaceAll('\\t', '\t');
    return pipeline(inner);
  });
  return (entry) => parts.map((part) => part(entry)).join('');
}

function pipeline(text: string): LogFormatter {
  const [source = '', ...calls] = text.split('|').map((step) => step.trim());
  const name = source.replace(/^\./, '');
  const literal = /^"(.*)"$/s.exec(source)?.[1];
  const field = fields[name];
  if (literal === undefined && !field)
    throw unknown(
      `the field ${source}`,
      Object.keys(fields).map((known) => `.${known}`),
    );
  const steps = calls.map((call) => {
    const [, word = '', quoted, bare] = /^(\w+)(?:\s+(?:"([^"]*)"|(\S+)))?$/.exec(call) ?? [];
    const apply = functions[word];
    if (!apply) throw unknown(`the function ${call}`, Object.keys(functions));
    return (value: string) => apply(value, quoted ?? bare);
  });
  return (entry) => steps.reduce((value, step) => step(value), literal ?? String(field!(entry) ?? ''));
}

function unknown(what: string, known: readonly string[]): Failure {
  return new Failure('template-invalid', `cannot use ${what} in a template`, {
    exitCode: 3,
    hint: `there is ${known.join(', ')}`,
  });
}

function short(entry: LogEntry): string {
  const device = entry.dev.replace(/^.*\//, '').slice(0, 10);
  const time = times.Stamp!(new Date(entry['time-created']));
  const { rev = '', plat = '', src = '', msg = '' } = entry;
  return `${device}(${rev}) ${time} ${plat}(${posix.basename(src)}): ${msg}`;
}
