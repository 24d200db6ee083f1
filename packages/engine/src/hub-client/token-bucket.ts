/** A token bucket: how long whoever spends must wait so that the rate holds, whoever else spends from it. */

/** What is there to be spent, at a time. Below zero: spent in advance. */
export interface TokenBucket {
  readonly tokens: number;
  /** Milliseconds on the clock of who asks. */
  readonly at: number;
}

export interface Spending {
  /** Tokens that come in each second, and that an unused bucket holds; above 0. */
  rate: number;
  /** Milliseconds, on the same clock each time. */
  now: number;
  amount: number;
}

/**
 * Spends tokens, also such as are not there yet: then their owner waits. In any time of `t` seconds that begins with a full
 * bucket no more than `rate * (t + 1)` tokens are waited for and spent, whatever their portions.
 * @param bucket undefined: one that is full
 * @returns the bucket afterwards, and milliseconds to wait before what was spent may be used up
 */
export function spendTokens(
  bucket: TokenBucket | undefined,
  { rate, now, amount }: Spending,
): { bucket: TokenBucket; waitMs: number } {
  const since = bucket === undefined ? 0 : Math.max(0, now - bucket.at);
  const there = bucket === undefined ? rate : Math.min(rate, bucket.tokens + (since * rate) / 1000);
  const tokens = there - amount;
  return { bucket: { tokens, at: now }, waitMs: tokens < 0 ? Math.ceil((-tokens / rate) * 1000) : 0 };
}
