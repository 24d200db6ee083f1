/** How long the client waits before it asks again: spread over a fleet, longer with each failure, never sooner than the Hub asks for. */

export const waitingLimits = {
  /** Longest wait after failures, milliseconds. */
  longestMs: 300_000,
  /** Milliseconds between two questions for steps at least while the Hub tells what is new: only in case it forgets to. */
  listeningMs: 60_000,
  /** Milliseconds until a Hub is asked for a stream again that does not know what that is. */
  unknownMs: 3_600_000,
  /** Longest hint of a Hub that is believed. */
  longestHintMs: 3_600_000,
  /** Part of a regular interval by which it is made shorter or longer. */
  jitter: 0.1,
} as const;

/**
 * Milliseconds until the next question.
 * @param everyMs regular interval
 * @param failures failures in a row, 0 after a success
 * @param random from 0 up to 1
 * @param hintMs what the Hub asked for
 */
export function waitMs(everyMs: number, failures: number, random: number, hintMs = 0): number {
  const { longestMs, longestHintMs, jitter } = waitingLimits;
  if (failures === 0) return Math.round(everyMs * (1 - jitter + 2 * jitter * random));
  const backedOff = Math.min(everyMs * 2 ** Math.min(failures, 20), Math.max(longestMs, everyMs));
  // Half of it is chance, so that devices that failed together do not come back together.
  const chosen = backedOff / 2 + (backedOff / 2) * random;
  const hint = Math.min(hintMs, longestHintMs);
  return Math.round(Math.max(chosen, hint * (1 + jitter * random)));
}
