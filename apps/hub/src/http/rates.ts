/** A bucket of tokens for each key: `perSecond` flow in, ten seconds' worth fit. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #clock: () => number;
  #buckets = new Map<string, { left: number; at: number }>();

  constructor(perSecond: number, clock: () => number) {
    this.#perSecond = perSecond;
    this.#clock = clock;
  }

  /** Takes one token. @returns 0 when there was one, else the seconds until there is */
  take(key: string): number {
    if (this.#perSecond === 0) return 0;
    const now = this.#clock();
    const most = this.#perSecond * 10;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      this.#makeRoom(now);
      bucket = { left: most, at: now };
      this.#buckets.set(key, bucket);
    }
    bucket.left = Math.min(most, bucket.left + ((now - bucket.at) / 1000) * this.#perSecond);
    bucket.at = now;
    if (bucket.left < 1) return Math.ceil((1 - bucket.left) / this.#perSecond);
    bucket.left -= 1;
    return 0;
  }

  #makeRoom(now: number): void {
    const enough = 200_000;
    if (this.#buckets.size < enough) return;
    for (const [key, { at }] of this.#buckets) if (now - at > 10_000) this.#buckets.delete(key);
    if (this.#buckets.size >= enough) this.#buckets.clear();
  }
}
