/** A terminal for tests: what its screen holds after the bytes that were written to it (only what pantabox writes). */

export class Emulator {
  rows: string[][];
  cursor = { row: 0, column: 0 };
  isCursorShown = true;
  /** Modes that are on, e.g. `1049`. */
  readonly modes = new Set<string>(['7']);
  columns: number;
  #rest = '';

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = Array.from({ length: rows }, () => Array<string>(columns).fill(' '));
  }

  /** Another size; what is shown is lost, as after a clear. */
  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = Array.from({ length: rows }, () => Array<string>(columns).fill(' '));
  }

  get text(): string {
    return this.lines.join('\n');
  }

  get lines(): string[] {
    return this.rows.map((row) => row.join('').trimEnd());
  }

  write(text: string): void {
    let rest = this.#rest + text;
    this.#rest = '';
    while (rest !== '') {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      const sequence = /^\u001b\[([?\d;]*)([A-Za-z])/.exec(rest) ?? /^\u001b([78su()=>])/.exec(rest);
      if (sequence) {
        this.#sequence(sequence[1]!, sequence[2] ?? '');
        rest = rest.slice(sequence[0].length);
      } else if (rest.startsWith('\u001b') && rest.length < 16) {
        this.#rest = rest;
        return;
      } else {
        const character = String.fromCodePoint(rest.codePointAt(0)!);
        this.#character(character);
        rest = rest.slice(character.length);
      }
    }
  }

  #character(character: string): void {
    const { cursor } = this;
    if (character === '\r') cursor.column = 0;
    else if (character === '\n') {
      if (cursor.row < this.rows.length - 1) cursor.row += 1;
      else this.rows = [...this.rows.slice(1), Array<string>(this.columns).fill(' ')];
    } else if (character >= ' ') {
      const row = this.rows[cursor.row];
      if (row) row[Math.min(cursor.column, this.columns - 1)] = character;
      cursor.column = Math.min(this.columns, cursor.column + 1);
    }
  }

  #sequence(parameters: string, final: string): void {
    const { cursor } = this;
    const [first = 1, second = 1] = parameters.split(';').map(Number);
    const row = this.rows[cursor.row];
    if (final === 'H') this.cursor = { row: first - 1, column: second - 1 };
    else if (final === 'J') for (const each of this.rows) each.fill(' ');
    // On the last cell, this takes away what was just written there.
    else if (final === 'K') row?.fill(' ', Math.min(cursor.column, this.columns - 1));
    else if (final === 'h') this.modes.add(parameters.slice(1));
    else if (final === 'l') this.modes.delete(parameters.slice(1));
    if (parameters === '?25') this.isCursorShown = final === 'h';
  }
}
