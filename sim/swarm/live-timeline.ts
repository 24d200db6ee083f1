/** Time of a simulated machine that passes by itself, as fast as ours. */
import { Timeline } from '../../apps/device/src/host/memory/timeline.ts';

export class LiveTimeline extends Timeline {
  readonly #begin = performance.now();
  readonly #wall: number;
  readonly #armed = new Set<NodeJS.Timeout>();
  #stopped = false;

  /** @param wall what the machine's wall clock shows at its start, Unix time in milliseconds */
  constructor(wall: number) {
    super(wall);
    this.#wall = wall;
  }

  override monotonic(): number {
    return performance.now() - this.#begin;
  }

  override wall(): number {
    return Math.round(this.#wall + this.monotonic());
  }

  override after(ms: number, callback: () => void): () => void {
    if (this.#stopped) return () => {};
    const timer = setTimeout(
      () => {
        this.#armed.delete(timer);
        callback();
      },
      Math.max(0, ms),
    );
    this.#armed.add(timer);
    return () => {
      clearTimeout(timer);
      this.#armed.delete(timer);
    };
  }

  override stop(): void {
    this.#stopped = true;
    for (const timer of this.#armed) clearTimeout(timer);
    this.#armed.clear();
  }
}
