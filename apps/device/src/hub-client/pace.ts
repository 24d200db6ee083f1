/** Transfers that keep to a rate together. */
import { spendTokens, type TokenBucket } from '@pantavisor/engine';
import type { Clock } from '../host/ports.ts';

/** Slowest rate, bytes a second: below it a single piece would keep a connection waiting for minutes. */
const least = 1024;
/** Longest piece that a host hands over, bytes. */
const longestPiece = 64 * 1024;

export class Pace {
  readonly #clock: Clock;
  readonly #configured: () => number;
  readonly #waits = new Set<() => void>();
  #bucket: TokenBucket | undefined;
  #closed = false;

  /** @param configured bytes a second, as it is configured now; 0 or less: any number */
  constructor(clock: Clock, configured: () => number) {
    this.#clock = clock;
    this.#configured = configured;
  }

  get #rate(): number {
    const rate = this.#configured();
    return rate > 0 ? Math.max(least, rate) : 0;
  }

  /** Resolves when so many bytes more may be taken; never after `close`. */
  async spend(bytes: number): Promise<void> {
    const rate = this.#rate;
    if (rate === 0) {
      this.#bucket = undefined;
      return;
    }
    const { bucket, waitMs } = spendTokens(this.#bucket, { rate, now: this.#clock.monotonic(), amount: bytes });
    this.#bucket = bucket;
    if (waitMs === 0) return;
    await new Promise<void>((resolve) => {
      if (this.#closed) return;
      const cancel = this.#clock.after(waitMs, () => {
        this.#waits.delete(cancel);
        resolve();
      });
      this.#waits.add(cancel);
    });
  }

  /** Longest that one of so many transfers is kept waiting, milliseconds. */
  longestMs(transfers: number): number {
    return this.#rate === 0 ? 0 : Math.ceil((Math.max(1, transfers) * longestPiece * 1000) / this.#rate);
  }

  /** Ends all waiting. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#waits) cancel();
    this.#waits.clear();
  }
}
