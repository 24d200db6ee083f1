/** Timestamps in the formats that the configuration knows: `strftime:<format>` and `golang:<name>` (logs.md §5). */

const goFormats: Readonly<Record<string, string>> = {
  Layout: "%m/%d %H:%M:%S%p '%y %z",
  RubyDate: '%a %b %d %T %z %Y',
  ANSIC: '%a %b %e %T %Y',
  RFC822Z: '%d %b %y %H:%M %z',
  RFC1123Z: '%a, %d %b %Y %T %z',
};
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Formats a Unix time in milliseconds; undefined when the pattern asks for what does not exist. */
export type TimestampFormat = (wall: number) => string | undefined;

/**
 * The formatter of a configured value.
 * @returns undefined for an empty value, and for one that is no format: no timestamp is written then
 */
export function timestampFormat(value: string | undefined): TimestampFormat | undefined {
  if (value === undefined || value === '') return undefined;
  // One separator of any kind follows the word.
  const pattern = value.startsWith('strftime')
    ? value.slice('strftime'.length + 1)
    : value.startsWith('golang:')
      ? goFormats[value.slice('golang:'.length)]
      : undefined;
  if (pattern === undefined || pattern === '') return undefined;
  return (wall) => strftime(pattern, new Date(wall));
}

const pad = (value: number, width = 2, fill = '0') => String(value).padStart(width, fill);

/** Days since the first of January, from 0. */
function dayOfYear(date: Date): number {
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  return Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000);
}

/** `+hhmm`; the sign of Date's own offset is the other way round. */
function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const positive = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(positive / 60))}${pad(positive % 60)}`;
}

const fields: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => days[date.getDay()]?.slice(0, 3) ?? '',
  A: (date) => days[date.getDay()] ?? '',
  b: (date) => months[date.getMonth()]?.slice(0, 3) ?? '',
  B: (date) => months[date.getMonth()] ?? '',
  c: (date) => strftime('%a %b %e %H:%M:%S %Y', date) ?? '',
  C: (date) => pad(Math.floor(date.getFullYear() / 100)),
  d: (date) => pad(date.getDate()),
  D: (date) => strftime('%m/%d/%y', date) ?? '',
  e: (date) => pad(date.getDate(), 2, ' '),
  F: (date) => strftime('%Y-%m-%d', date) ?? '',
  h: (date) => months[date.getMonth()]?.slice(0, 3) ?? '',
  H: (date) => pad(date.getHours()),
  I: (date) => pad(date.getHours() % 12 || 12),
  j: (date) => pad(dayOfYear(date) + 1, 3),
  m: (date) => pad(date.getMonth() + 1),
  M: (date) => pad(date.getMinutes()),
  n: () => '\n',
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  r: (date) => strftime('%I:%M:%S %p', date) ?? '',
  R: (date) => strftime('%H:%M', date) ?? '',
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => pad(date.getSeconds()),
  t: () => '\t',
  T: (date) => strftime('%H:%M:%S', date) ?? '',
  u: (date) => String(date.getDay() || 7),
  w: (date) => String(date.getDay()),
  x: (date) => strftime('%m/%d/%y', date) ?? '',
  X: (date) => strftime('%H:%M:%S', date) ?? '',
  y: (date) => pad(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  z: zone,
  // Without a table of names the offset is the only name of a zone that is never wrong.
  Z: zone,
  '%': () => '%',
};

/** strftime(3) in the C locale and local time. Undefined when a conversion is unknown. */
export function strftime(pattern: string, date: Date): string | undefined {
  let known = true;
  const text = pattern.replace(/%[EO_0^#-]?(.?)/gs, (_all, letter: string) => {
    const field = Object.hasOwn(fields, letter) ? fields[letter] : undefined;
    if (field === undefined) known = false;
    return field?.(date) ?? '';
  });
  return known ? text : undefined;
}
