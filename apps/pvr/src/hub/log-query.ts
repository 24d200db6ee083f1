/** Which log entries are wanted: `<device>[,…][/source][@level][#platform]` and flags (pvr §7). */
import { Failure } from '@pantavisor/cli';

export interface LogQuery {
  devices: string;
  sources: string;
  levels: string;
  platforms: string;
  revision: string;
  /** RFC 3339. */
  after?: string;
  before?: string;
}

/** Reads the argument; 24 hex digits are the id of a device. */
export function readLogTarget(text: string): Pick<LogQuery, 'devices' | 'sources' | 'levels' | 'platforms'> {
  const match = /^([^/@#]*)(?:\/([^@#]*))?(?:@([^#]*))?(?:#(.*))?$/.exec(text);
  if (!match)
    throw new Failure(
      'usage',
      `cannot understand ${JSON.stringify(text)}: write <device>/<source>@<level>#<platform>`,
      { exitCode: 3 },
    );
  const [, devices = '', sources = '', levels = '', platforms = ''] = match;
  return { devices: deviceNames(devices), sources: sourceNames(sources), levels, platforms };
}

/** Sources begin with a slash, as devices send them. */
export function sourceNames(text: string): string {
  return text
    .split(',')
    .filter((name) => name !== '')
    .map((name) => (name.startsWith('/') ? name : `/${name}`))
    .join(',');
}

export function deviceNames(text: string): string {
  return text
    .split(',')
    .filter((name) => name !== '')
    .map((name) => (/^[0-9a-f]{24}$/.test(name) ? `prn:::devices:/${name}` : name))
    .join(',');
}

const durationPattern =
  /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** A duration of ISO 8601 in milliseconds; a month has 30 days, a year 365. Undefined when it is none. */
export function readDuration(text: string): number | undefined {
  const match = durationPattern.exec(text);
  if (!match || text === 'P' || text.endsWith('T')) return undefined;
  const units = [365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3600, 60, 1];
  return units.reduce((sum, seconds, index) => sum + Number(match[index + 1] ?? 0) * seconds * 1000, 0);
}

/**
 * A point in time: a date, a date with time, RFC 3339, or a duration relative to `base`.
 * @param direction -1: before the base, 1: after it
 */
export function readTime(text: string, base: Date, direction: 1 | -1): Date {
  const duration = readDuration(text);
  if (duration !== undefined) return new Date(base.getTime() + direction * duration);
  const time = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$/.test(text)
    ? Date.parse(
        /^\d{4}-\d{2}-\d{2}(T[\d:.]+)?$/.test(text) ? `${text.includes('T') ? text : `${text}T00:00:00`}Z` : text,
      )
    : Number.NaN;
  if (Number.isNaN(time))
    throw new Failure('usage', `cannot understand the time ${JSON.stringify(text)}`, {
      exitCode: 3,
      hint: 'write 2026-01-31, 2026-01-31T12:00:00, or a duration such as PT1H or P2D',
    });
  return new Date(time);
}
