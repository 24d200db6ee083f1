/** The wall clock of a program under test, which the test sets. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class TestClock {
  /** Variables of the environment that put a Node program on this clock. */
  readonly environment: Record<string, string>;
  readonly #file: string;

  constructor(directory: string) {
    this.#file = join(directory, 'clock');
    const preload = new URL('shifted-clock.ts', import.meta.url).href;
    this.environment = { NODE_OPTIONS: `--import=${preload}`, TEST_CLOCK_FILE: this.#file };
    this.set(0);
  }

  /** Jumps: from now on the clock is this far from the true time, milliseconds. */
  set(shift: number): void {
    // Never seen half-written.
    writeFileSync(`${this.#file}.new`, String(shift));
    renameSync(`${this.#file}.new`, this.#file);
  }
}
