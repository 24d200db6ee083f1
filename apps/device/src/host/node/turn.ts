/**
 * Whether a short call of the kernel may be made at once, on the one thread that JavaScript has, instead of by the thread pool. A trip
 * through the pool and back takes twenty times as long as looking at a file whose directory is in memory, and a device looks at
 * hundreds of files when it starts. But whoever looks at one file after the other would never let anybody else have a turn, and a slow disk
 * may take its time; so each turn of the event loop has a budget, and the pool does the rest.
 */
/** Milliseconds. */
const budget = 1;

export class Turn {
  #spent = 0;
  #ends = false;

  /** Does short work now if this turn has time left. @returns undefined when it was not done */
  take<Result>(work: () => Result): { result: Result } | undefined {
    if (this.#spent >= budget) return undefined;
    if (!this.#ends) {
      this.#ends = true;
      setImmediate(() => {
        this.#spent = 0;
        this.#ends = false;
      });
    }
    const begin = performance.now();
    try {
      return { result: work() };
    } finally {
      this.#spent += performance.now() - begin;
    }
  }
}
