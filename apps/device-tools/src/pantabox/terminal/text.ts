/** Text in cells of a terminal: how wide it is, where it is cut and how it is wrapped. */
import { printable } from '@pantavisor/cli/output';

/** Ranges of code points that take two cells (East Asian Wide and Fullwidth of Unicode's UAX #11, and emoji). */
const wide: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1faff],
  [0x20000, 0x3fffd],
];

/** Cells of one character: 0 for those that stand on the one before. */
function cellsOf(character: string): number {
  const code = character.codePointAt(0)!;
  if (code < 0x300) return 1;
  if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(character)) return 0;
  return wide.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** Cells of a text without control characters. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += cellsOf(character);
  return width;
}

/** The text, or as much of its beginning as fits, with a mark at the end. */
export function cutTo(text: string, room: number, mark = '~'): string {
  if (widthOf(text) <= room) return text;
  if (room <= 0) return '';
  let width = 1;
  let shown = '';
  for (const character of text) {
    width += cellsOf(character);
    if (width > room) break;
    shown += character;
  }
  return shown + mark;
}

/** Lines of a text that are at most so wide, broken at blanks where there are some. Tabs become blanks, other control characters, too. */
export function wrap(text: string, room: number): string[] {
  const most = Math.max(1, room);
  return text
    .replace(/\t/g, '    ')
    .split(/\r?\n/)
    .flatMap((line) => wrapLine(printable(line), most));
}

function wrapLine(line: string, room: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (widthOf(rest) > room) {
    let width = 0;
    let end = 0;
    let blank = 0;
    for (const character of rest) {
      width += cellsOf(character);
      if (width > room && end > 0) break;
      if (character === ' ') blank = end;
      end += character.length;
    }
    if (rest[end] === ' ') blank = end;
    const cut = blank > 0 && rest.slice(0, blank).trim() !== '' ? blank : end;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).replace(/^ +/, '');
  }
  lines.push(rest);
  return lines;
}
