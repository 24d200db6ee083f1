/** What a terminal shows, as lines of styled text, and the bytes that bring it from one picture to the next: only lines that changed are sent. */
import { printable } from '@pantavisor/cli/output';
import { cutTo, widthOf } from './text.ts';

export type Style = 'bold' | 'dim' | 'reverse' | 'red' | 'green' | 'yellow' | 'cyan';

export interface Span {
  text: string;
  styles?: readonly Style[];
}
export type Line = readonly Span[];

export interface Size {
  columns: number;
  rows: number;
}

export interface Picture {
  /** From the top; what does not fit is left out. */
  lines: readonly Line[];
  /** Where the cursor stands, from 0; absent: it is hidden. */
  cursor?: { column: number; row: number };
}

/** What the terminal can do. */
export interface Looks {
  colours: boolean;
  /** Text in UTF-8 is shown as such. */
  unicode: boolean;
}

const attributes: Readonly<Record<Style, string>> = {
  bold: '1',
  dim: '2',
  reverse: '7',
  red: '31',
  green: '32',
  yellow: '33',
  cyan: '36',
};
const isColour = (style: Style): boolean => attributes[style].length === 2;

/** A span. */
export const span = (text: string, ...styles: readonly Style[]): Span =>
  styles.length === 0 ? { text } : { text, styles };

/** Sequences of a program that has the whole terminal for a time: the other screen, no wrapping, pastes in brackets. */
export const enter = '\u001b[?1049h\u001b[?7l\u001b[?2004h\u001b[2J';
export const leave = '\u001b[?2004l\u001b[?7h\u001b[0m\u001b[?25h\u001b[?1049l';
/** Asks where the last cell is, for lines that do not tell their size; the answer comes as a key. */
export const askSize = '\u001b[s\u001b[999;999H\u001b[6n\u001b[u';

/** What the environment says of a terminal (no-color.org; locale(7)). */
export function looksOf(environment: Readonly<Record<string, string | undefined>>): Looks {
  const { NO_COLOR, TERM = '' } = environment;
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || '';
  return { colours: !NO_COLOR && !/^(dumb|vt\d+|)$/.test(TERM.replace(/-.*/, '')), unicode: /utf-?8/i.test(locale) };
}

/** One line as bytes, cut to the width; a line that is not full ends with "clear to the end". */
export function lineText(line: Line, columns: number, { colours, unicode }: Looks): string {
  let room = columns;
  let text = '';
  for (const { text: raw, styles = [] } of line) {
    if (room <= 0) break;
    const clean = printable(raw);
    const known = unicode ? clean : clean.replace(/[^\u0020-\u007e]/gu, '?');
    const shown = cutTo(known, room);
    room -= widthOf(shown);
    const codes = styles.filter((style) => colours || !isColour(style)).map((style) => attributes[style]);
    text += codes.length === 0 ? shown : `\u001b[${codes.join(';')}m${shown}\u001b[0m`;
  }
  // After a full line the cursor stands on its last cell, which clearing would take away.
  return room > 0 ? `${text}\u001b[K` : text;
}

/** Keeps what is shown. */
export class Screen {
  readonly #looks: Looks;
  #shown: string[] = [];
  #size: Size = { columns: 0, rows: 0 };
  #cursor = '';

  constructor(looks: Looks) {
    this.#looks = looks;
  }

  /** From now on nothing is known of what is shown. */
  forget(): void {
    this.#size = { columns: 0, rows: 0 };
  }

  /** Bytes that make the terminal show a picture; empty when it does already. */
  update({ lines, cursor }: Picture, size: Size): string {
    const { columns, rows } = size;
    const isNew = columns !== this.#size.columns || rows !== this.#size.rows;
    const next = Array.from({ length: rows }, (_, row) => lineText(lines[row] ?? [], columns, this.#looks));
    const changes = next.flatMap((text, row) =>
      isNew || text !== this.#shown[row] ? [`\u001b[${row + 1};1H${text}`] : [],
    );
    const place = cursor === undefined ? '\u001b[?25l' : `\u001b[${cursor.row + 1};${cursor.column + 1}H\u001b[?25h`;
    if (changes.length === 0 && place === this.#cursor) return '';
    [this.#shown, this.#size, this.#cursor] = [next, size, place];
    return `\u001b[?25l${isNew ? '\u001b[2J' : ''}${changes.join('')}${place}`;
  }
}
