/** Entries as text: the line format of the original, raw data of containers, JSON (logs.md §5). */
import { type LogEntry, levelName } from './entry.ts';
import type { TimestampFormat } from './timestamp.ts';

/** What a line shows of time. */
export interface LineStyle {
  /** `relative`: seconds since the machine started; `absolute`: Unix time. */
  time: 'relative' | 'absolute';
  format?: TimestampFormat | undefined;
}

const nothingToShow = '--';

/** True for the runtime's own messages, and those about the machine. */
export function isOwn(entry: Pick<LogEntry, 'platform'>): boolean {
  return entry.platform.startsWith('pantavisor');
}

/** Seconds of an entry as the configuration wants them. */
export function secondsOf(entry: Pick<LogEntry, 'at' | 'wall'>, time: LineStyle['time']): number {
  return Math.floor((time === 'absolute' ? entry.wall : entry.at) / 1000);
}

const linesOf = (text: string) => text.split(/\r?\n/).filter((line) => line !== '');
const stampOf = (entry: LogEntry, format: TimestampFormat) => format(entry.wall) ?? nothingToShow;

/** `[platform] [timestamp] seconds LEVEL\t -- [source]: text`, one line for each of the entry's own. */
export function formatLines(entry: LogEntry, text: string, style: LineStyle): string {
  const stamp = style.format === undefined ? '' : `[${stampOf(entry, style.format)}] `;
  const seconds = secondsOf(entry, style.time);
  const head = `[${entry.platform}] ${stamp}${seconds} ${levelName(entry.level)}\t -- [${entry.source}]: `;
  return linesOf(text)
    .map((line) => `${head}${line}\n`)
    .join('');
}

/** Data of a container as it came; what came as one message ends with a new line. */
export function formatRaw(entry: LogEntry, style: LineStyle): string | Uint8Array {
  const { data, protocol } = entry;
  const stamp = style.format === undefined ? '' : `[${stampOf(entry, style.format)}] `;
  const isMessage = protocol !== 'legacy' && protocol !== 'stream';
  if (typeof data !== 'string') return data;
  return `${stamp}${data}${isMessage && !data.endsWith('\n') ? '\n' : ''}`;
}

/** One JSON object for each line of the entry. */
export function formatJson(entry: LogEntry, text: string, style: LineStyle): string {
  const stamp = style.format?.(entry.wall);
  const head = {
    tsec: secondsOf(entry, style.time),
    tnano: 0,
    ...(stamp === undefined ? {} : { ts: stamp }),
    platform: entry.platform,
    lvl: levelName(entry.level),
    src: entry.source,
  };
  return linesOf(text)
    .map((line) => `${JSON.stringify({ ...head, msg: line })}\n`)
    .join('');
}
