/** Syslog messages of both kinds: RFC 3164 as libc sends it, and RFC 5424 (logs.md §2). */
import type { Parsed } from '../entry.ts';

/** Severity to level: emergency and alert are FATAL, notice and info are INFO. */
const levels = [0, 0, 1, 1, 2, 3, 3, 4] as const;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const priority = /^<(\d{1,4})>/;
const stamp3164 = /^([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2})/;
const stamp5424 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))?$/;
const unknownApp = 'unknown-app';

const refuse = (reason: string): Parsed => ({ ok: false, reason });

/** True for what begins like a syslog message of either kind. */
export function isSyslog(text: string): boolean {
  return priority.test(text);
}

/**
 * Reads a message of either kind.
 * @param now Unix milliseconds: RFC 3164 tells no year, and RFC 5424 may tell no time
 */
export function parseSyslog(text: string, now: number): Parsed {
  const match = priority.exec(text);
  const number = match?.[1] ?? '';
  if (match === null || number.length > 3) return refuse('it does not begin with a priority of at most 3 digits');
  const level = levels[Number(number) % 8] ?? 3;
  const rest = text.slice(match[0].length);
  return rest.startsWith('1') ? parse5424(rest, level, now) : parse3164(rest, level, now);
}

function parse3164(text: string, level: number, now: number): Parsed {
  const match = stamp3164.exec(text);
  const month = months.indexOf(match?.[1] ?? '');
  if (match === null || month < 0) return refuse('a time such as "Jan  1 00:00:00" must follow the priority');
  const [day = 0, hour = 0, minute = 0, second = 0] = match.slice(2).map(Number);
  if (day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return refuse('its time does not exist');
  const wall = new Date(new Date(now).getFullYear(), month, day, hour, minute, second).getTime();
  const body = text.slice(match[0].length + 1);
  const colon = body.indexOf(':');
  if (colon < 0) return done('rfc3164', level, unknownApp, body, wall);
  const blank = body.indexOf(' ');
  // A blank before the colon ends the name of a host.
  const tag = body.slice(blank >= 0 && blank < colon ? blank + 1 : 0, colon).replace(/\[.*$/, '');
  return done('rfc3164', level, tag, body.slice(colon + 1).replace(/^ /, ''), wall);
}

function parse5424(text: string, level: number, now: number): Parsed {
  const match = /^(\d{1,2}) (\S+) (\S+) (\S+) (\S+) (\S+)(?: |$)/.exec(text);
  if (match === null) return refuse('it has not the six fields of the header of RFC 5424');
  const [whole, version, time = '-', , app = '-'] = match;
  if (version !== '1') return refuse(`version ${version} of the protocol is unknown`);
  const wall = time === '-' ? now : timeOf(time);
  if (wall === undefined) return refuse(`${JSON.stringify(time.slice(0, 40))} is no time`);
  const after = text.slice(whole.length);
  const length = structuredLength(after);
  if (length === undefined) return refuse('its structured data does not end');
  const message = after.slice(length).replace(/^ (?:\uFEFF)?/, '');
  return done('rfc5424', level, app === '-' ? unknownApp : app, message === '-' ? '' : message, wall);
}

/** Length of `-` or of one or more `[…]`, in which a bracket inside a quoted value does not count; undefined when it is neither. */
function structuredLength(text: string): number | undefined {
  if (text.startsWith('-')) return 1;
  const match = /^(?:\[(?:[^\]"]|"(?:[^"\\]|\\[\s\S])*")*\])+/.exec(text);
  return match?.[0].length;
}

function timeOf(text: string): number | undefined {
  const match = stamp5424.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined;
  const milliseconds = Math.floor(Number(`0.${match[7] ?? 0}`) * 1000);
  const zoned = /[Zz]$/.test(text) || match[8] !== undefined;
  if (!zoned) return new Date(year, month - 1, day, hour, minute, second, milliseconds).getTime();
  const offset = (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)) * (match[8] === '-' ? -1 : 1);
  return Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - offset * 60_000;
}

function done(protocol: 'rfc3164' | 'rfc5424', level: number, source: string, data: string, wall: number): Parsed {
  // libc ends a message on a stream by a NUL, and many programs end theirs by a new line.
  return {
    ok: true,
    message: { protocol, level, source: source || unknownApp, data: data.replace(/[\n\0]+$/, ''), wall },
  };
}
