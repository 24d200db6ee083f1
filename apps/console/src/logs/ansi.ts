/**
 * Terminal colours of a log line as data: only what colours and weights text (ECMA-48 SGR) is understood, every other control
 * sequence is taken out. The result is text with names, never markup.
 */
export interface Piece {
  text: string;
  /** 0–15, the colours every terminal has; absent = the usual one */
  colour?: number;
  background?: number;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
}

type Style = Omit<Piece, 'text'>;

// Escape begins: a sequence that ends in a letter, a string that ends with BEL or ST, or two letters (ECMA-48 §5).
const esc = '\u001b';
const sequence = new RegExp(
  `${esc}(?:\\[([0-9;:?<=>]*)[ -/]*([@-~])|\\][^\u0007${esc}]*(?:\u0007|${esc}\\\\|$)|[PX^_][^${esc}]*(?:${esc}\\\\|$)|[ -/]*[0-~]|$)`,
  'g',
);
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is left of them is made visible
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
const nothing = '';

const clean = (text: string): string => text.replaceAll(control, nothing);

/** The nearest of the sixteen colours to one of 256 or of 24 bits. */
function nearest(red: number, green: number, blue: number): number {
  const bright = Math.max(red, green, blue) > 170 ? 8 : 0;
  const half = Math.max(red, green, blue) / 2;
  if (Math.max(red, green, blue) < 40) return 0;
  return bright + (red > half ? 1 : 0) + (green > half ? 2 : 0) + (blue > half ? 4 : 0);
}

function fromPalette(index: number): number {
  if (index < 16) return index;
  if (index >= 232) return nearest(...(Array(3).fill((index - 232) * 10 + 8) as [number, number, number]));
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40);
  const cube = index - 16;
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

/** Takes an extended colour (38 or 48) from the parameters. @returns it, and how many parameters it had */
function extended(codes: number[], at: number): { colour: number | undefined; used: number } {
  if (codes[at] === 5) return { colour: fromPalette(Math.min(255, codes[at + 1] ?? 0)), used: 2 };
  if (codes[at] === 2) return { colour: nearest(codes[at + 1] ?? 0, codes[at + 2] ?? 0, codes[at + 3] ?? 0), used: 4 };
  return { colour: undefined, used: 1 };
}

function apply(style: Style, parameters: string): Style {
  const codes = (parameters === '' ? '0' : parameters).split(/[;:]/).map((text) => Number(text || 0));
  let next: Style = { ...style };
  const drop = (...names: (keyof Style)[]) => {
    for (const name of names) delete next[name];
  };
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 22) drop('bold', 'dim');
    else if (code === 23) drop('italic');
    else if (code === 24) drop('underline');
    else if (code >= 30 && code <= 37) next.colour = code - 30;
    else if (code >= 90 && code <= 97) next.colour = code - 82;
    else if (code === 39) drop('colour');
    else if (code >= 40 && code <= 47) next.background = code - 40;
    else if (code >= 100 && code <= 107) next.background = code - 92;
    else if (code === 49) drop('background');
    else if (code === 38 || code === 48) {
      const { colour, used } = extended(codes, index + 1);
      if (colour !== undefined) next[code === 38 ? 'colour' : 'background'] = colour;
      index += used;
    }
  }
  return next;
}

/** Reads a line; the pieces in order are all of its visible text. */
export function readAnsi(line: string): Piece[] {
  const pieces: Piece[] = [];
  let style: Style = {};
  let from = 0;
  const add = (text: string) => {
    const visible = clean(text);
    if (visible !== '') pieces.push({ text: visible, ...style });
  };
  for (const match of line.matchAll(sequence)) {
    add(line.slice(from, match.index));
    if (match[2] === 'm' && !/[?<=>]/.test(match[1] ?? '')) style = apply(style, match[1] ?? '');
    from = match.index + match[0].length;
  }
  add(line.slice(from));
  return pieces;
}
