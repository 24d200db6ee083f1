/** Text that is read: longer than the screen, it scrolls. */
import type { Key } from './keys.ts';
import { type Line, type Size, type Style, span } from './screen.ts';
import { wrap } from './text.ts';
import type { Answer, Drawing, View } from './view.ts';

/** A paragraph with its style; a heading is bold. */
export interface Paragraph {
  text: string;
  style?: Style;
  /** Lines after the first begin so far to the right. */
  indent?: number;
}

/** Letters that do more than close the text. */
export type PagerLetters = Readonly<Record<string, string>>;

export class Pager implements View<string> {
  readonly title: string;
  readonly #paragraphs: readonly Paragraph[];
  readonly #letters: PagerLetters;
  #top = 0;

  constructor(title: string, paragraphs: readonly Paragraph[], letters: PagerLetters = {}) {
    this.title = title;
    this.#paragraphs = paragraphs;
    this.#letters = letters;
  }

  get hints(): readonly string[] {
    return [...Object.entries(this.#letters).map(([letter, hint]) => `${letter} ${hint}`), 'Enter back'];
  }

  draw({ columns, rows }: Size): Drawing {
    const lines = this.#lines(columns);
    this.#top = Math.max(0, Math.min(this.#top, lines.length - rows));
    const shown = lines.slice(this.#top, this.#top + rows);
    const below = lines.length - this.#top - rows;
    if (below > 0) shown[rows - 1] = [span(`v ${below + 1} more`, 'dim')];
    return { lines: shown };
  }

  press(key: Key, { columns, rows }: Size): Answer<string> {
    const last = Math.max(0, this.#lines(columns).length - rows);
    const page = Math.max(1, rows - 2);
    const tops: Partial<Record<Key['name'], number>> = {
      up: this.#top - 1,
      down: this.#top + 1,
      'page-up': this.#top - page,
      'page-down': this.#top + page,
      home: 0,
      end: last,
    };
    const top = key.text === ' ' ? this.#top + page : tops[key.name];
    if (top !== undefined) this.#top = Math.max(0, Math.min(last, top));
    else if (key.name === 'enter' || key.name === 'escape' || key.name === 'left' || key.text === 'q')
      return { done: undefined };
    else if (key.name === 'character' && this.#letters[key.text] !== undefined) return { done: key.text };
    return undefined;
  }

  #lines(columns: number): Line[] {
    return this.#paragraphs.flatMap(({ text, style, indent = 0 }) => {
      const [first = '', ...rest] = wrap(text, columns);
      const more = rest.length === 0 || indent === 0 ? rest : wrap(rest.join(' '), columns - indent);
      return [first, ...more.map((line) => ' '.repeat(indent) + line)].map((line) => [
        style ? span(line, style) : span(line),
      ]);
    });
  }
}
