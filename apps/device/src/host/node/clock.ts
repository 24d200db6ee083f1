import type { Clock } from '../ports.ts';

/** Node's timers take 31 bits; a longer one would fire at once. */
const longestTimer = 0x7fff_ffff;

/** The machine's clocks and Node's timers. */
export function createClock(): Clock {
  return {
    monotonic: () => performance.now(),
    wall: () => Date.now(),
    after: (ms, callback) => {
      const due = performance.now() + ms;
      let timer: NodeJS.Timeout;
      const arm = (remaining: number) => {
        timer = setTimeout(
          () => {
            const rest = due - performance.now();
            // Also a timer that fires a fraction early is armed again: callers compare the clock with what they asked for.
            if (rest > 0) arm(rest);
            else callback();
          },
          Math.min(Math.ceil(remaining), longestTimer),
        );
      };
      arm(ms);
      return () => clearTimeout(timer);
    },
  };
}
