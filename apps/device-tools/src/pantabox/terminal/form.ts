/** Fields to be filled in, and a question with buttons. */
import { type Field, fieldOf, shownField, typed } from './field.ts';
import type { Key } from './keys.ts';
import { type Line, type Size, span } from './screen.ts';
import { cutTo, widthOf, wrap } from './text.ts';
import { type Answer, type Drawing, scrolled, type View } from './view.ts';

export interface FormField {
  label: string;
  value?: string;
  /** Not shown at all, not even how long it is. */
  isHidden?: boolean;
}

const unseen = { text: '', cursor: 0 };

export interface FormOptions {
  title: string;
  about?: string;
  fields: readonly FormField[];
  /** Why the values cannot be used, or undefined when they can. */
  check?(values: readonly string[]): string | undefined;
}

export class Form implements View<readonly string[]> {
  readonly title: string;
  readonly hints = ['Enter next, then done', 'Tab other field', 'Esc back'];
  readonly #options: FormOptions;
  readonly #fields: Field[];
  #at = 0;
  #top = 0;
  #problem: string | undefined;

  constructor(options: FormOptions) {
    this.title = options.title;
    this.#options = options;
    this.#fields = options.fields.map(({ value = '' }) => fieldOf(value));
  }

  draw({ columns, rows }: Size): Drawing {
    const { about, fields } = this.#options;
    const above: Line[] = about === undefined ? [] : [...wrap(about, columns).map((text) => [span(text)]), []];
    if (above.length + 2 * fields.length + 2 > rows) above.length = 0;
    const problem: Line[] =
      this.#problem === undefined ? [] : [[], ...wrap(this.#problem, columns).map((text) => [span(text, 'red')])];
    const room = Math.max(1, Math.floor((rows - above.length - problem.length) / 2));
    this.#top = scrolled(this.#top, this.#at, fields.length, room);
    let cursor = { column: 0, row: 0 };
    const lines: Line[] = [...above];
    for (const [index, { label, isHidden = false }] of fields.entries()) {
      if (index < this.#top || index >= this.#top + room) continue;
      const isChosen = index === this.#at;
      const { text, cursor: column } = isHidden ? unseen : shownField(this.#fields[index]!, columns - 4);
      if (isChosen) cursor = { column: column + 2, row: lines.length + 1 };
      lines.push(isChosen ? [span(cutTo(label, columns), 'bold')] : [span(cutTo(label, columns))]);
      lines.push([span('> ', isChosen ? 'bold' : 'dim'), span(text)]);
    }
    return { lines: [...lines, ...problem], cursor };
  }

  press(key: Key): Answer<readonly string[]> {
    const last = this.#fields.length - 1;
    if (key.name === 'escape') return { done: undefined };
    if (key.name === 'tab' || key.name === 'down') this.#at = this.#at === last ? 0 : this.#at + 1;
    else if (key.name === 'back-tab' || key.name === 'up') this.#at = this.#at === 0 ? last : this.#at - 1;
    else if (key.name === 'enter') {
      if (this.#at < last) this.#at += 1;
      else return this.#finish();
    } else {
      this.#fields[this.#at] = typed(this.#fields[this.#at]!, key);
      this.#problem = undefined;
    }
    return undefined;
  }

  #finish(): Answer<readonly string[]> {
    const values = this.#fields.map(({ text }) => text);
    this.#problem = this.#options.check?.(values);
    return this.#problem === undefined ? { done: values } : undefined;
  }
}

/** A question with answers side by side. */
export class Question<T extends string> implements View<T> {
  readonly title: string;
  readonly hints = ['Enter choose', 'Left, right', 'Esc back'];
  readonly #about: string;
  readonly #answers: readonly T[];
  #at: number;

  /** @param chosen number of the answer that Enter gives */
  constructor(title: string, about: string, answers: readonly T[], chosen = 0) {
    this.title = title;
    this.#about = about;
    this.#answers = answers;
    this.#at = chosen;
  }

  draw({ columns, rows }: Size): Drawing {
    const buttons: Line = this.#answers.flatMap((answer, index) => [
      index === this.#at ? span(`[ ${answer} ]`, 'reverse') : span(`  ${answer}  `),
      span('  '),
    ]);
    const width = buttons.reduce((sum, each) => sum + widthOf(each.text), 0);
    // Where they do not fit side by side they stand below each other.
    const below = this.#answers.map((answer, index) => [
      index === this.#at ? span(`[ ${answer} ]`, 'reverse') : span(`  ${answer}`),
    ]);
    const answers = width - 2 <= columns ? [buttons] : below;
    const text = wrap(this.#about, columns).slice(0, Math.max(0, rows - answers.length - 1));
    return { lines: [...text.map((line) => [span(line)]), ...(rows > answers.length ? [[]] : []), ...answers] };
  }

  press(key: Key): Answer<T> {
    const last = this.#answers.length - 1;
    if (key.name === 'enter') return { done: this.#answers[this.#at]! };
    if (key.name === 'escape') return { done: undefined };
    if (['left', 'up', 'back-tab'].includes(key.name)) this.#at = this.#at === 0 ? last : this.#at - 1;
    if (['right', 'down', 'tab'].includes(key.name)) this.#at = this.#at === last ? 0 : this.#at + 1;
    if (key.name !== 'character') return undefined;
    const found = this.#answers.find((answer) => answer[0]!.toLowerCase() === key.text.toLowerCase());
    return found === undefined ? undefined : { done: found };
  }
}
