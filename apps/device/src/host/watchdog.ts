/** The machine's watchdog: a timer of the hardware that resets the machine unless it is fed in time (tools.md §1). */

/** A timer that runs. */
export interface Watchdog {
  /** Seconds that it counts; a driver may grant others than were asked for. */
  readonly seconds: number;
  /** Starts the time-out anew. Never fails: a watchdog that cannot be fed says so by resetting the machine. */
  feed(): void;
  /**
   * Lets the device go without the magic character. What a driver makes of that is its own: most go on counting, so that somebody
   * else has to feed it.
   */
  close(): void;
}

export interface Watchdogs {
  /**
   * Starts the timer of a device, e.g. `/dev/watchdog`. ENOENT or ENODEV when the machine has none, EBUSY when another process feeds it,
   * ENOTTY when it is something else.
   */
  start(path: string, seconds: number): Promise<Watchdog>;
}
