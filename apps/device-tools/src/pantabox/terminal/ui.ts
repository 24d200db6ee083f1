/** Shows views on a terminal, one at a time: draws, waits for keys and other sizes, and hands the terminal to other programs. */
import type { Environment } from '@pantavisor/cli/output';
import type { Terminal, TerminalEvent } from '../../host/terminal-ports.ts';
import { type Key, KeyDecoder } from './keys.ts';
import { askSize, enter, type Line, leave, looksOf, Screen, type Size, type Span, span } from './screen.ts';
import { cutTo, widthOf, wrap } from './text.ts';
import type { Drawing, View } from './view.ts';

/** Milliseconds after which an escape stands alone; over a slow line its sequence may come in pieces. */
const escapePause = 100;
/** From so many lines on some stay empty. */
const roomy = 12;
/** Milliseconds between two pictures while something goes on. */
const tick = 150;
/** When the terminal does not say its size: that of every terminal. */
const usual: Size = { columns: 80, rows: 24 };
const leaving = 'Ctrl-C leave; the device goes on';
const spinner = ['|', '/', '-', '\\'];

/** Somebody pressed control-C, or the terminal went away. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/** What goes on, for a picture of it. */
export interface Work {
  title: string;
  /** Last lines of what has happened. */
  lines: readonly string[];
  /** 0 to 1; absent: nobody knows. */
  share?: number;
}

export interface UiParts {
  terminal: Terminal;
  environment: Environment;
  decode(bytes: Uint8Array): string;
  pause(milliseconds: number): Promise<void>;
}

export class Ui {
  readonly #parts: UiParts;
  readonly #screen: Screen;
  readonly #decoder: KeyDecoder;
  readonly #keys: Key[] = [];
  #next: Promise<TerminalEvent> | undefined;
  #told: Size | undefined;
  #isOpen = false;
  #isGone = false;
  /** Right end of the first line: which device this is and how it is. */
  status = '';

  constructor(parts: UiParts) {
    this.#parts = parts;
    this.#screen = new Screen(looksOf(parts.environment));
    this.#decoder = new KeyDecoder(parts.decode);
  }

  /** Takes the terminal; `close` gives it back. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    const { terminal } = this.#parts;
    terminal.begin();
    terminal.write(enter);
    if (terminal.size().columns === 0) terminal.write(askSize);
    this.#screen.forget();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#parts.terminal.write(leave);
    this.#parts.terminal.end();
  }

  /**
   * Shows a view until a key ends it.
   * @returns what was chosen, undefined for "back" @throws Interrupted
   */
  async show<T>(view: View<T>): Promise<T | undefined> {
    this.open();
    for (;;) {
      const { hints } = view;
      this.#draw(view.title, view.draw(this.#room(hints)), hints);
      const key = await this.#key();
      const answer = key && view.press(key, this.#room(hints));
      if (answer) return answer.done;
    }
  }

  /**
   * Shows how work goes on until it has ended.
   * @param work is given a function that tells how far it is
   * @returns its result @throws what it throws, and Interrupted when control-C was pressed: the work goes on then, unseen
   */
  async during<T>(title: string, work: (tell: (state: Partial<Work>) => void) => Promise<T>): Promise<T> {
    this.open();
    let state: Work = { title, lines: [] };
    const result = work((change) => {
      state = { ...state, ...change };
    });
    const ended = result.then(
      () => true,
      () => true,
    );
    for (let turn = 0; ; turn += 1) {
      this.#draw(state.title, this.#working(state, turn), [leaving]);
      const pressed = this.#keys.length > 0 ? Promise.resolve() : this.#event().then(() => undefined);
      const isDone = await Promise.race([ended, pressed, this.#parts.pause(tick)]);
      if (isDone) return result;
      this.#drain();
    }
  }

  /** Gives the terminal to another program for a time. */
  async hand<T>(work: () => Promise<T>): Promise<T> {
    const wasOpen = this.#isOpen;
    this.close();
    try {
      return await work();
    } finally {
      if (wasOpen) this.open();
    }
  }

  #size(): Size {
    const { columns, rows } = this.#parts.terminal.size();
    return columns > 0 && rows > 0 ? { columns, rows } : (this.#told ?? usual);
  }

  /** What is left for a view between the first line and the hints. */
  #room(hints: readonly string[]): Size {
    const { columns, rows } = this.#size();
    const gaps = rows >= roomy ? 2 : 0;
    const below = hintLines(hints, columns - 2, rows).length;
    return { columns: Math.max(1, columns - 2), rows: Math.max(1, rows - 1 - gaps - below) };
  }

  #draw(title: string, { lines, cursor }: Drawing, hints: readonly string[]): void {
    const size = this.#size();
    const { columns, rows } = size;
    const gap = rows >= roomy ? 1 : 0;
    const room = this.#room(hints);
    const keys = hintLines(hints, columns - 2, rows);
    const body = lines.slice(0, room.rows).map((line): Line => [span(' '), ...cutLine(line, room.columns)]);
    const picture: Line[] = [[span(bar(title, this.status, columns), 'reverse')]];
    for (let count = 0; count < gap; count += 1) picture.push([]);
    picture.push(...body);
    while (picture.length < rows - keys.length) picture.push([]);
    for (const [index, text] of keys.entries()) picture[rows - keys.length + index] = [span(` ${text}`, 'dim')];
    const place = cursor && { column: cursor.column + 1, row: cursor.row + 1 + gap };
    const changes = this.#screen.update({ lines: picture, ...(place ? { cursor: place } : {}) }, size);
    if (changes !== '') this.#parts.terminal.write(changes);
  }

  #working({ lines, share }: Work, turn: number): Drawing {
    const { columns, rows } = this.#room([leaving]);
    const width = Math.max(4, Math.min(50, columns - 9));
    const mark = spinner[turn % spinner.length]!;
    const filled = Math.round((share ?? 0) * width);
    const head =
      share === undefined ? mark : `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${Math.floor(share * 100)} %`;
    const told = lines.flatMap((line) => wrap(line, columns));
    return { lines: [[span(head, 'cyan')], [], ...told.slice(-Math.max(1, rows - 2)).map((line) => [span(line)])] };
  }

  /** The next key; undefined when only the size has changed. */
  async #key(): Promise<Key | undefined> {
    const key = this.#keys.shift();
    if (key) return this.#checked(key);
    if (this.#decoder.isWaiting) {
      const came = await Promise.race([this.#event().then(() => true), this.#parts.pause(escapePause)]);
      if (!came) this.#keys.push(...this.#decoder.flush());
    } else await this.#event();
    this.#check();
    const next = this.#keys.shift();
    return next && this.#checked(next);
  }

  /** Looks at keys that were pressed during work: only control-C has a meaning. */
  #drain(): void {
    this.#check();
    for (const key of this.#keys.splice(0)) this.#checked(key);
  }

  #checked(key: Key): Key | undefined {
    if (key.name === 'control' && key.text === 'c') throw new Interrupted('interrupted');
    if (key.name === 'control' && key.text === 'l') this.#screen.forget();
    if (key.size) this.#told = key.size;
    return key.name === 'size' ? undefined : key;
  }

  /** Resolves when something has come, whose keys are in the queue then. Who stops waiting for it loses nothing. */
  async #event(): Promise<void> {
    const waiting = this.#next ?? this.#parts.terminal.next();
    this.#next = waiting;
    const event = await waiting;
    if (this.#next !== waiting) return;
    this.#next = undefined;
    if (event === undefined || event === 'ended') this.#isGone = true;
    else if (event === 'resized') this.#screen.forget();
    else this.#keys.push(...this.#decoder.feed(event));
  }

  #check(): void {
    if (this.#isGone) throw new Interrupted('the terminal went away');
  }
}

/** The first line: what is shown on the left, the device on the right if there is room. */
function bar(title: string, status: string, columns: number): string {
  const left = ` ${title}`;
  const room = columns - widthOf(left) - 3;
  const right = room >= Math.min(12, widthOf(status)) ? cutTo(status, room) : '';
  const text = cutTo(left, columns);
  return `${text}${' '.repeat(Math.max(0, columns - widthOf(text) - widthOf(right) - 1))}${right} `;
}

/** The hints in one line, or in two where they are too long for one and there is room. */
function hintLines(hints: readonly string[], columns: number, rows: number): string[] {
  const lines = [''];
  for (const hint of hints) {
    const last = lines.at(-1)!;
    const longer = last === '' ? hint : `${last}   ${hint}`;
    if (widthOf(longer) <= columns || last === '' || rows < roomy || lines.length === 2)
      lines[lines.length - 1] = longer;
    else lines.push(hint);
  }
  return lines;
}

function cutLine(line: Line, room: number): Line {
  let left = room;
  const kept: Span[] = [];
  for (const each of line) {
    if (left <= 0) break;
    const text = cutTo(each.text, left);
    left -= widthOf(text);
    kept.push({ ...each, text });
  }
  return kept;
}
