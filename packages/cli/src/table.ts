/** Tables for people: columns as wide as their content, the last one cut at the edge of the terminal. */
import type { Style } from './terminal.ts';

export interface Cell {
  text: string;
  style?: Style;
  /** Numbers stand to the right. */
  right?: boolean;
}

const width = (text: string): number => [...text].length;

/** Control characters from elsewhere must not reach the terminal: they could change what it shows. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}

/**
 * Formats rows under headings, one line each, columns two blanks apart.
 * @param columns width of the terminal; the last column is cut to it
 */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  paint: (style: Style, text: string) => string,
  columns: number,
): string {
  const all = [headings.map((text): Cell => ({ text, style: 'bold' })), ...rows];
  const widths = headings.map((_, index) => Math.max(...all.map((row) => width(printable(row[index]?.text ?? '')))));
  const last = headings.length - 1;
  return all
    .map((row) => {
      let used = 0;
      const cells = headings.map((_, index) => {
        const { text = '', style, right } = row[index] ?? {};
        const shown = index === last ? cut(printable(text), Math.max(8, columns - used)) : printable(text);
        const blanks = ' '.repeat(index === last && !right ? 0 : Math.max(0, widths[index]! - width(shown)));
        used += widths[index]! + 2;
        const painted = style ? paint(style, shown) : shown;
        return right ? blanks + painted : painted + blanks;
      });
      return `${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

function cut(text: string, room: number): string {
  return width(text) <= room ? text : `${[...text].slice(0, room - 1).join('')}…`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes in the largest unit that keeps the number below 1024. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Seconds in the two largest units, e.g. `3 h 12 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  const shown = parts.slice(first < 0 ? 3 : first).slice(0, 2);
  return shown.map(([value, unit]) => `${value} ${unit}`).join(' ');
}
