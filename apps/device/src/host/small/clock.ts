/** Time and timers over the event loop. */
import type { Loop, Machine } from '@pantavisor/small-host';
import type { Clock } from '../ports.ts';

/** Creates the port. */
export function createClock(machine: Machine, loop: Loop): Clock {
  return {
    monotonic: () => machine.now(),
    wall: () => Date.now(),
    after: (ms, callback) => loop.after(ms, callback),
  };
}
