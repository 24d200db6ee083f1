/** Failed attempts that are free; each further one doubles the wait. */
const free = 5;
const longestWait = 300_000;
const forgetAfter = 900_000;
const enough = 100_000;

/**
 * Slows down guessing: after some failures for a name from an address, every further attempt has to wait, twice as long
 * each time. The right password while waiting is refused too, else guessing would go on.
 */
export class LoginGuard {
  readonly #clock: () => number;
  readonly #failures = new Map<string, { count: number; last: number }>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** @returns seconds to wait before this name may try again from this address; 0 = now */
  wait(name: string, address: string): number {
    const known = this.#failures.get(`${address} ${name}`);
    if (known === undefined || known.count < free) return 0;
    const pause = Math.min(longestWait, 1000 * 2 ** (known.count - free));
    return Math.max(0, Math.ceil((known.last + pause - this.#clock()) / 1000));
  }

  failed(name: string, address: string): void {
    const now = this.#clock();
    if (this.#failures.size >= enough)
      for (const [key, { last }] of this.#failures) if (now - last > forgetAfter) this.#failures.delete(key);
    if (this.#failures.size >= enough) this.#failures.clear();
    const known = this.#failures.get(`${address} ${name}`);
    const count = known === undefined || now - known.last > forgetAfter ? 1 : known.count + 1;
    this.#failures.set(`${address} ${name}`, { count, last: now });
  }

  succeeded(name: string, address: string): void {
    this.#failures.delete(`${address} ${name}`);
  }
}
