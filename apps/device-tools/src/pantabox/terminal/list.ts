/** A list from which one thing is chosen: arrows, pages, or the first letters of its name. */
import type { Key } from './keys.ts';
import { type Line, type Size, type Style, span } from './screen.ts';
import { cutTo, widthOf, wrap } from './text.ts';
import { type Answer, type Drawing, scrolled, type View } from './view.ts';

export interface Item<T> {
  value: T;
  /** Texts that stand in columns; the last one is cut where the line ends. */
  cells: readonly string[];
  /** Of the cell of the same number. */
  styles?: readonly (Style | undefined)[];
}

export interface ListOptions<T> {
  title: string;
  /** Above the list, wrapped. */
  about?: string;
  items: readonly Item<T>[];
  /** Above the columns. */
  headings?: readonly string[];
  /** Letters that end the list with another meaning, e.g. `a` to add. */
  letters?: Readonly<Record<string, { hint: string; choose: (value: T | undefined) => T | undefined }>>;
  /** Said in an empty list. */
  empty?: string;
  chosen?: number;
  /** What Esc does, and q as well. Default: `back`. */
  ends?: string;
}

/** Letters narrow the choice until another key is pressed. */
export class List<T> implements View<T> {
  readonly title: string;
  readonly #options: ListOptions<T>;
  #chosen: number;
  #top = 0;
  #typed = '';

  constructor(options: ListOptions<T>) {
    this.title = options.title;
    this.#options = options;
    this.#chosen = Math.max(0, Math.min(options.items.length - 1, options.chosen ?? 0));
  }

  get chosen(): number {
    return this.#chosen;
  }

  get hints(): readonly string[] {
    const { letters = {}, items, ends } = this.#options;
    const more = Object.entries(letters).map(([letter, { hint }]) => `${letter} ${hint}`);
    return [...(items.length > 0 ? ['Enter choose'] : []), ...more, ends === undefined ? 'Esc back' : `q ${ends}`];
  }

  draw({ columns, rows }: Size): Drawing {
    const { items, headings, about, empty = 'nothing here' } = this.#options;
    const lines: Line[] = [];
    if (about !== undefined) lines.push(...wrap(about, columns).map((text) => [span(text)]), []);
    // On a small screen what there is to choose counts more than what is said about it.
    if (lines.length > rows / 2) lines.length = 0;
    if (items.length === 0) return { lines: [...lines, [span(empty, 'dim')]] };
    const widths = this.#widths(columns - 2);
    if (headings) lines.push([span(`  ${rowText(headings, widths, columns - 2)}`, 'bold')]);
    const room = Math.max(1, rows - lines.length);
    this.#top = scrolled(this.#top, this.#chosen, items.length, room);
    for (const [index, item] of items.slice(this.#top, this.#top + room).entries()) {
      const place = this.#top + index;
      const isLastOfMore = (index === 0 && this.#top > 0) || (index === room - 1 && place < items.length - 1);
      const edge = isLastOfMore ? (index === 0 ? '^ ' : 'v ') : '  ';
      lines.push(this.#line(item, place === this.#chosen, edge, widths, columns));
    }
    return { lines };
  }

  press(key: Key, { rows }: Size): Answer<T> {
    const { items, letters = {}, ends } = this.#options;
    const last = items.length - 1;
    const page = Math.max(1, rows - 3);
    const letter = key.name === 'character' ? key.text : '';
    const moves: Partial<Record<Key['name'], number>> = {
      up: this.#chosen === 0 ? last : this.#chosen - 1,
      down: this.#chosen === last ? 0 : this.#chosen + 1,
      home: 0,
      end: last,
      'page-up': Math.max(0, this.#chosen - page),
      'page-down': Math.min(last, this.#chosen + page),
    };
    const move = moves[key.name];
    if (move !== undefined) {
      this.#chosen = Math.max(0, move);
      this.#typed = '';
      return undefined;
    }
    if (key.name === 'enter') return items.length === 0 ? undefined : { done: items[this.#chosen]!.value };
    if (key.name === 'escape' || (key.name === 'left' && ends === undefined)) return { done: undefined };
    if (letter === 'q' && ends !== undefined) return { done: undefined };
    const own = letters[letter];
    if (own) {
      const found = own.choose(items[this.#chosen]?.value);
      return found === undefined ? undefined : { done: found };
    }
    if (letter !== '') this.#search(letter);
    return undefined;
  }

  /** Goes to the next thing whose first cell begins with what was typed. */
  #search(letter: string): void {
    const { items } = this.#options;
    const begins = (text: string) => items.findIndex(({ cells }) => cells[0]?.toLowerCase().startsWith(text));
    const longer = this.#typed + letter.toLowerCase();
    const found = begins(longer);
    this.#typed = found < 0 ? letter.toLowerCase() : longer;
    const place = found < 0 ? begins(this.#typed) : found;
    if (place >= 0) this.#chosen = place;
  }

  #widths(columns: number): number[] {
    const { items, headings = [] } = this.#options;
    const count = Math.max(headings.length, ...items.map(({ cells }) => cells.length));
    const widths = Array.from({ length: count }, (_, index) =>
      Math.max(widthOf(headings[index] ?? ''), ...items.map(({ cells }) => widthOf(cells[index] ?? ''))),
    );
    // What stands first counts most: on a narrow screen the last columns are cut, and the first one only when it would fill the line.
    const most = Math.max(12, columns - 12);
    return widths.map((width, index) => (index === 0 && count > 1 ? Math.min(width, most) : width));
  }

  #line({ cells, styles = [] }: Item<T>, isChosen: boolean, edge: string, widths: number[], columns: number): Line {
    if (isChosen)
      return [
        span(`${edge[0] === ' ' ? '>' : edge[0]} ${rowText(cells, widths, columns - 2)}`.padEnd(columns), 'reverse'),
      ];
    const line = [span(edge, 'dim')];
    for (const [index, cell] of cells.entries()) {
      const text = index === cells.length - 1 ? cell : `${padded(cell, widths[index]!)}  `;
      const style = styles[index];
      line.push(style ? span(text, style) : span(text));
    }
    return line;
  }
}

const padded = (text: string, width: number): string => {
  const shown = cutTo(text, width);
  return shown + ' '.repeat(Math.max(0, width - widthOf(shown)));
};

function rowText(cells: readonly string[], widths: readonly number[], columns: number): string {
  const row = cells.map((cell, index) => (index === cells.length - 1 ? cell : padded(cell, widths[index] ?? 0)));
  return cutTo(row.join('  '), columns);
}
