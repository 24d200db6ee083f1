/** Times in the layouts of Go's package time (its constants and the reference time 2006-01-02T15:04:05). Always UTC. */

/** Layouts that have a name in Go. */
export const namedLayouts: Readonly<Record<string, string>> = {
  Layout: "01/02 03:04:05PM '06 -0700",
  ANSIC: 'Mon Jan _2 15:04:05 2006',
  UnixDate: 'Mon Jan _2 15:04:05 MST 2006',
  RubyDate: 'Mon Jan 02 15:04:05 -0700 2006',
  RFC822: '02 Jan 06 15:04 MST',
  RFC822Z: '02 Jan 06 15:04 -0700',
  RFC850: 'Monday, 02-Jan-06 15:04:05 MST',
  RFC1123: 'Mon, 02 Jan 2006 15:04:05 MST',
  RFC1123Z: 'Mon, 02 Jan 2006 15:04:05 -0700',
  RFC3339: '2006-01-02T15:04:05Z07:00',
  RFC3339Nano: '2006-01-02T15:04:05.999999999Z07:00',
  Kitchen: '3:04PM',
  Stamp: 'Jan _2 15:04:05',
  StampMilli: 'Jan _2 15:04:05.000',
  StampMicro: 'Jan _2 15:04:05.000000',
  StampNano: 'Jan _2 15:04:05.000000000',
  DateTime: '2006-01-02 15:04:05',
  DateOnly: '2006-01-02',
  TimeOnly: '15:04:05',
};

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
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

const tokens =
  /January|Jan|Monday|Mon|2006|01|02|03|04|05|06|15|_2|Z07:00|Z0700|-07:00|-0700|MST|PM|pm|[.,](?:0+|9+)(?!\d)|1|2|3|4|5/g;

const two = (value: number): string => String(value).padStart(2, '0');

/**
 * Formats a time.
 * @param layout name of a layout, or the reference time as it is to look
 * @returns the layout itself when it names nothing, as in Go
 */
export function formatTime(date: Date, layout: string): string {
  if (layout === 'Unix') return String(Math.floor(date.getTime() / 1000));
  const hour = date.getUTCHours();
  const month = months[date.getUTCMonth()]!;
  const day = days[date.getUTCDay()]!;
  const values: Readonly<Record<string, string>> = {
    January: month,
    Jan: month.slice(0, 3),
    Monday: day,
    Mon: day.slice(0, 3),
    '2006': String(date.getUTCFullYear()).padStart(4, '0'),
    '06': two(date.getUTCFullYear() % 100),
    '01': two(date.getUTCMonth() + 1),
    '1': String(date.getUTCMonth() + 1),
    '02': two(date.getUTCDate()),
    _2: String(date.getUTCDate()).padStart(2),
    '2': String(date.getUTCDate()),
    '15': two(hour),
    '03': two(hour % 12 || 12),
    '3': String(hour % 12 || 12),
    '04': two(date.getUTCMinutes()),
    '4': String(date.getUTCMinutes()),
    '05': two(date.getUTCSeconds()),
    '5': String(date.getUTCSeconds()),
    PM: hour < 12 ? 'AM' : 'PM',
    pm: hour < 12 ? 'am' : 'pm',
    MST: 'UTC',
    'Z07:00': 'Z',
    Z0700: 'Z',
    '-07:00': '+00:00',
    '-0700': '+0000',
  };
  return (namedLayouts[layout] ?? layout).replace(
    tokens,
    (token) => values[token] ?? fraction(token, date.getUTCMilliseconds()),
  );
}

/** `.000` keeps its digits, `.999` loses zeros at its end. */
function fraction(token: string, milliseconds: number): string {
  const digits = String(milliseconds)
    .padStart(3, '0')
    .padEnd(token.length - 1, '0')
    .slice(0, token.length - 1);
  if (token[1] === '0') return token[0] + digits;
  const short = digits.replace(/0+$/, '');
  return short === '' ? '' : token[0] + short;
}
