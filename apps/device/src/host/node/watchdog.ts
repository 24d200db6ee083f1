import { closeSync } from 'node:fs';
import { feedWatchdog, openWatchdog } from '@pantavisor/linux';
import type { Watchdogs } from '../watchdog.ts';
import { guarded } from './errors.ts';

/** Watchdogs of the kernel. */
export function createWatchdogs(): Watchdogs {
  return {
    start: (path, wanted) =>
      guarded('start the watchdog', path, async () => {
        const { descriptor, seconds } = openWatchdog(path, wanted);
        let open = true;
        return {
          seconds,
          feed() {
            try {
              if (open) feedWatchdog(descriptor);
            } catch {
              // It will say so itself.
            }
          },
          close() {
            if (open) closeSync(descriptor);
            open = false;
          },
        };
      }),
  };
}
