/** A terminal that shows one picture, redrawn in place, and gives keys. */
import type { ReadStream, WriteStream } from 'node:tty';

/** On the alternate screen and without a cursor, so that what was there before comes back at the end. */
const enterSequence = '\x1b[?1049h\x1b[?25l\x1b[2J';
const leaveSequence = '\x1b[?25h\x1b[?1049l';
/** Terminals that know it show a frame only when it is whole; others ignore it. */
const beginFrame = '\x1b[?2026h\x1b[H';
const endFrame = '\x1b[J\x1b[?2026l';

export class Screen {
  readonly #output: WriteStream;
  readonly #input: ReadStream | undefined;
  #last = '';
  #entered = false;
  readonly #onKey: (key: string) => void;
  readonly #onData = (data: Buffer): void => {
    for (const key of data.toString('utf8')) this.#onKey(key);
  };
  readonly #onResize: () => void;

  /**
   * @param input keys are read from it when it is a terminal; Ctrl-C comes as the key `\x03`, not as a signal
   * @param events `key`: one character; `resize`: draw again
   */
  constructor(output: WriteStream, input: ReadStream, events: { key: (key: string) => void; resize: () => void }) {
    this.#output = output;
    this.#input = input.isTTY ? input : undefined;
    this.#onKey = events.key;
    this.#onResize = () => {
      this.#last = '';
      events.resize();
    };
  }

  get width(): number {
    return this.#output.columns || 80;
  }

  get height(): number {
    return this.#output.rows || 24;
  }

  enter(): void {
    this.#entered = true;
    this.#output.write(enterSequence);
    this.#output.on('resize', this.#onResize);
    this.#input?.setRawMode(true).on('data', this.#onData).resume();
  }

  /** Shows lines from the top left corner; those that do not fit are left out. Writes nothing when nothing changed. */
  draw(lines: string[]): void {
    if (!this.#entered) return;
    const frame = lines
      .slice(0, this.height)
      .map((line) => `${line}\x1b[K`)
      .join('\r\n');
    if (frame === this.#last) return;
    this.#last = frame;
    this.#output.write(`${beginFrame}${frame}${endFrame}`);
  }

  /** Gives the terminal back as it was. */
  leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    this.#output.off('resize', this.#onResize);
    this.#input?.off('data', this.#onData).setRawMode(false).pause();
    this.#output.write(leaveSequence);
  }
}
