/** The machine's watchdog - Documentation/watchdog/watchdog-api.rst of the kernel. */
import { addon } from './addon.ts';

/**
 * Opens a watchdog, whose timer runs from then on: unless it is fed within so many seconds, the machine is reset. Closing the descriptor
 * does not stop a timer of a driver that wants the magic character for that. EBUSY when another process has it, ENOTTY when it is none.
 * @returns `seconds`: what the driver counts, which may differ from what was asked for
 */
export function openWatchdog(path: string, seconds: number): { descriptor: number; seconds: number } {
  return addon.openWatchdog(path, seconds);
}

/** Starts the time-out anew. */
export function feedWatchdog(descriptor: number): void {
  addon.feedWatchdog(descriptor);
}
