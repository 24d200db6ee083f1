import type { Clock } from '../ports.ts';

interface Timer {
  at: number;
  order: number;
  callback: () => void;
}

/**
 * Virtual time. Nothing happens by itself: whoever drives the simulation fires the next timer, which takes the clock there.
 * Timers of one moment fire in the order in which they were armed.
 */
export class Timeline {
  readonly #start: number;
  #now = 0;
  #order = 0;
  #stopped = false;
  #timers: Timer[] = [];

  constructor(wall: number) {
    this.#start = wall;
  }

  monotonic(): number {
    return this.#now;
  }

  wall(): number {
    return this.#start + this.#now;
  }

  /** Calls back once at `ms` from now; the result cancels it. */
  after(ms: number, callback: () => void): () => void {
    if (this.#stopped) return () => {};
    this.#order += 1;
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order, callback };
    // Most timers are the latest of all, so the search starts at the end.
    let index = this.#timers.length;
    while (index > 0 && (this.#timers[index - 1]?.at ?? 0) > timer.at) index -= 1;
    this.#timers.splice(index, 0, timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Time of the next timer, or undefined when none is armed. */
  next(): number | undefined {
    return this.#timers[0]?.at;
  }

  /** Goes to the next timer and fires it. False when none is armed at or before `limit`. */
  fireNext(limit = Number.POSITIVE_INFINITY): boolean {
    const timer = this.#timers[0];
    if (timer === undefined || timer.at > limit) return false;
    this.#timers.shift();
    this.#now = timer.at;
    timer.callback();
    return true;
  }

  /** Lets time pass without timers: up to `time`, at most to the next timer. */
  passTo(time: number): void {
    this.#now = Math.max(this.#now, Math.min(time, this.next() ?? time));
  }

  /** Forgets all timers, now and later. */
  stop(): void {
    this.#stopped = true;
    this.#timers = [];
  }
}

/**
 * The clock of one runtime on a timeline that may outlive it.
 * @param alive false once the runtime is dead: its timers no longer fire
 */
export function runtimeClock(timeline: Timeline, alive: () => boolean): Clock {
  return {
    monotonic: () => timeline.monotonic(),
    wall: () => timeline.wall(),
    after: (ms, callback) =>
      timeline.after(ms, () => {
        if (alive()) callback();
      }),
  };
}
