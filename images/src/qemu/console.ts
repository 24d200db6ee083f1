/** The serial console of a machine: what it printed so far, and waiting for what it will print. */

/** Terminal control sequences (ECMA-48), which boot loaders and shells use freely. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are made of
const controlSequence = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b[@-Z\\-_]|[\u0000\r]/g;

/** How much is repeated when something did not come. */
const lastWords = 4000;

interface Waiter {
  look: () => void;
  fail: (error: Error) => void;
}

export class MachineConsole {
  #raw = '';
  #text = '';
  #ended: string | undefined;
  readonly #waiters = new Set<Waiter>();
  readonly #write: (text: string) => void;
  readonly #listeners = new Set<(chunk: string) => void>();

  /** @param write sends keys to the machine */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Everything printed, without control sequences and carriage returns. */
  get text(): string {
    return this.#text;
  }

  /** A place in the text for `waitFor`: only what comes after now counts. */
  get mark(): number {
    return this.#text.length;
  }

  /** Sends keys; a line needs its `\n`. */
  send(keys: string): void {
    this.#write(keys);
  }

  /** Calls `listener` with everything that is printed from now on, as it comes. */
  listen(listener: (chunk: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes what the machine printed. */
  feed(chunk: string): void {
    for (const listener of this.#listeners) listener(chunk);
    this.#raw += chunk;
    // A sequence may come in two pieces: keep what could be the begin of one.
    const cut = this.#raw.lastIndexOf('\u001b');
    const complete =
      cut < 0 || this.#raw.length - cut > 32 || /^(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])/.test(this.#raw.slice(cut + 1));
    const ready = complete ? this.#raw : this.#raw.slice(0, cut);
    this.#raw = complete ? '' : this.#raw.slice(cut);
    this.#text += ready.replace(controlSequence, '');
    for (const { look } of [...this.#waiters]) look();
  }

  /** Tells that nothing more will come, and why. */
  end(reason: string): void {
    this.#ended = reason;
    for (const { look, fail } of [...this.#waiters]) {
      look();
      fail(new Error(reason));
    }
  }

  /**
   * Waits until the console shows a pattern.
   * @param from place in the text from which on it counts; see `mark`
   * @param seconds how long at most
   * @throws Error with the last words of the console when the time is over or the machine ended
   */
  waitFor(
    pattern: RegExp,
    { from = 0, seconds = 180 }: { from?: number; seconds?: number } = {},
  ): Promise<RegExpExecArray> {
    const plain = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    return new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        action();
      };
      const fail = (why: string) =>
        settle(() =>
          reject(
            new Error(
              `cannot find ${pattern} on the console: ${why}. Its last words:\n${this.#text.slice(-lastWords)}`,
            ),
          ),
        );
      const waiter: Waiter = {
        look: () => {
          const found = plain.exec(this.#text.slice(from));
          if (found !== null) settle(() => resolve(found));
        },
        fail: (error) => fail(error.message),
      };
      const timer = setTimeout(() => fail(`not within ${seconds} s`), seconds * 1000);
      this.#waiters.add(waiter);
      waiter.look();
      if (this.#ended !== undefined && this.#waiters.has(waiter)) fail(this.#ended);
    });
  }
}
