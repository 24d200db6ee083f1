/** Named timers over the clock: at most one of each name. */
import type { Clock } from '../host/ports.ts';

export interface Timers {
  /** Calls back once after `ms`; an armed timer of the same name is replaced. */
  arm(name: string, ms: number): void;
  cancel(name: string): void;
  cancelAll(): void;
}

export function createTimers(clock: Clock, fired: (name: string) => void): Timers {
  const armed = new Map<string, () => void>();
  const cancel = (name: string) => {
    armed.get(name)?.();
    armed.delete(name);
  };
  return {
    arm: (name, ms) => {
      cancel(name);
      armed.set(
        name,
        clock.after(ms, () => {
          armed.delete(name);
          fired(name);
        }),
      );
    },
    cancel,
    cancelAll: () => {
      for (const name of [...armed.keys()]) cancel(name);
    },
  };
}
