/** PID 1 of the machine, where the runtime is started by one of ours (packages/small-host/native/init.c). */
import type { Watchdogs } from './watchdog.ts';

/**
 * What the runtime tells PID 1. It starts the runtime again when it dies, or when it gives no sign of life for too long, and restarts the machine
 * when that happens too often. The exit code says what becomes of the machine: that of `stopped` restarts it, that of `poweredOff`
 * switches it off, any other is a death.
 */
export interface InitProcess {
  /** A sign of life. */
  alive(): void;
  /**
   * The watchdogs of the machine. PID 1 holds them, so that they go on while the runtime is started again. While one counts, a runtime that
   * is silent for two thirds of its time is started again; else after a minute.
   */
  watchdogs: Watchdogs;
}
