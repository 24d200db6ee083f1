/** From the bytes of a log file to entries for the Hub (logs.md §8). */
import { levelNames } from '../../logs/entry.ts';
import { archiveOf } from '../../logs/space.ts';

/** One entry as it goes to the Hub. Files keep no time of their lines: the Hub knows when they came, and keeps their order. */
export interface PushedEntry {
  tsec: 0;
  tnano: 0;
  lvl: string;
  src: string;
  plat: string;
  rev: string;
  msg: string;
}

/** A line of a file, and where the next one begins. */
export interface CutLine {
  bytes: Uint8Array;
  end: number;
}

const newLine = 10;
const ownLog = /^\/pantavisor\.log$/;
const ownLevel = /^\[[^\]]*\] (?:\[[^\]]*\] )?\d+ ([A-Z]+)\t -- /;

/**
 * Cuts bytes into lines without their ends. Empty lines are left out, and count for the end of the line before.
 * @param offset of the first byte in its file
 * @param whole nothing comes after these bytes: what has no line end is a line as well
 * @returns the lines, and the offset up to which the file is used up
 */
export function cutLines(bytes: Uint8Array, offset: number, whole: boolean): { lines: CutLine[]; end: number } {
  const lines: CutLine[] = [];
  let at = 0;
  while (at < bytes.length) {
    const found = bytes.indexOf(newLine, at);
    if (found < 0 && !whole) break;
    const end = found < 0 ? bytes.length : found;
    const next = Math.min(end + 1, bytes.length);
    if (end > at) lines.push({ bytes: bytes.subarray(at, end), end: offset + next });
    else {
      const last = lines.at(-1);
      if (last !== undefined) last.end = offset + next;
    }
    at = next;
  }
  return { lines, end: offset + at };
}

/** Where a log belongs, from its path below the directory of all logs. */
export interface LogOrigin {
  rev: string;
  plat: string;
  src: string;
}

/**
 * Reads a path such as `3/web/lxc/console.log`, or `locals/x/web/…`. An archive that was not compressed yet belongs to its log.
 * @returns undefined for what is no log of a revision
 */
export function originOf(path: string): LogOrigin | undefined {
  const [, rev, rest] = /^(\d{1,9}|locals\/[^/]+)\/(.+)$/.exec(archiveOf(path)?.log ?? path) ?? [];
  if (rev === undefined || rest === undefined || rest.endsWith('.gz')) return undefined;
  const slash = rest.indexOf('/');
  if (slash < 0) return { rev, plat: 'pantavisor-UNKNOWN', src: `/${rest}` };
  return { rev, plat: rest.slice(0, slash), src: rest.slice(slash) };
}

/** A line as an entry. The runtime's own lines tell their level. */
export function entryOf({ rev, plat, src }: LogOrigin, text: string): PushedEntry {
  const named = ownLog.test(src) ? ownLevel.exec(text)?.[1] : undefined;
  const lvl = levelNames.find((name) => name === named) ?? 'INFO';
  return { tsec: 0, tnano: 0, lvl, src, plat, rev, msg: text.replaceAll('\0', ' ') };
}
