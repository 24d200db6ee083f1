const plain = new Intl.NumberFormat('en');

/** `1,234` */
export const number = (value: number): string => plain.format(value);

/** `1 device`, `1,234 devices` */
export const count = (value: number, one: string, many: string): string =>
  `${plain.format(value)} ${value === 1 ? one : many}`;

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A size in binary units with three digits at most, e.g. `1.4 MiB`. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

const steps: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, 'second'],
  [60, 'minute'],
  [24, 'hour'],
  [30, 'day'],
  [12, 'month'],
  [Number.POSITIVE_INFINITY, 'year'],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** `3 minutes ago`; a moment just passed is `now`. @param then, now milliseconds */
export function ago(then: number, now: number): string {
  let value = (then - now) / 1000;
  // Clocks of browser and hub differ a little.
  if (value > -5 && value < 60) return 'now';
  for (const [length, unit] of steps) {
    if (Math.abs(value) < length) return relative.format(Math.trunc(value), unit);
    value /= length;
  }
  return '';
}

const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
export const moment = (milliseconds: number): string => exact.format(milliseconds);
