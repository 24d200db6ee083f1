/** Events that wait for the one who asks for the next. */

export class EventQueue<T> {
  readonly #held: T[] = [];
  #waiting: ((event: T) => void) | undefined;

  add(event: T): void {
    const resolve = this.#waiting;
    this.#waiting = undefined;
    if (resolve) resolve(event);
    else this.#held.push(event);
  }

  /** One call at a time. */
  next(): Promise<T> {
    if (this.#held.length > 0) return Promise.resolve(this.#held.shift()!);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}
