/** Watchdogs of the simulated machine: one that is not fed in time resets it. */
import { HostError } from '../ports.ts';
import type { Watchdogs } from '../watchdog.ts';
import type { Gate } from './gate.ts';
import type { Machine } from './machine.ts';

/** A watchdog that the machine has. */
export interface MemoryWatchdog {
  /** Seconds that it counts; undefined: it has not been started. */
  seconds: number | undefined;
  /** Times at which it was fed, milliseconds. */
  readonly fed: number[];
  /** Whether a process has it open. */
  isOpen: boolean;
  /** It was not fed in time. */
  hasBitten: boolean;
}

export const newWatchdog = (): MemoryWatchdog => ({ seconds: undefined, fed: [], isOpen: false, hasBitten: false });

export function memoryWatchdogs(machine: Machine, gate: Gate): Watchdogs {
  return {
    start: (path, seconds) =>
      gate(() => {
        const found = machine.watchdogs.get(path);
        if (found === undefined) {
          const isThere = machine.names.walk(path, 'start the watchdog', true).found !== undefined;
          throw new HostError(isThere ? 'ENOTTY' : 'ENOENT', 'start the watchdog', path);
        }
        if (found.isOpen) throw new HostError('EBUSY', 'start the watchdog', path);
        const { timeline } = machine;
        let cancel = () => {};
        const feed = () => {
          cancel();
          found.fed.push(timeline.monotonic());
          cancel = timeline.after(seconds * 1000, () => {
            found.hasBitten = true;
            machine.switchOff('cut');
          });
        };
        Object.assign(found, { seconds, isOpen: true });
        feed();
        return {
          seconds,
          feed: () => {
            if (found.isOpen) feed();
          },
          // The timer goes on, as with most drivers.
          close: () => {
            found.isOpen = false;
          },
        };
      }),
  };
}
