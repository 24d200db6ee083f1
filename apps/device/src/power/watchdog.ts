/**
 * Feeds the machine's watchdog by mode (tools.md §1). While the device runs it is fed from the event loop, which proves that the loop turns;
 * while the device goes down it is fed only as containers end, so that a shutdown that hangs is cut short.
 */
import type { DeviceConfig } from '../config/table.ts';
import { type Clock, HostError } from '../host/ports.ts';
import type { Watchdog, Watchdogs } from '../host/watchdog.ts';
import type { Log } from '../runtime/log.ts';

const device = '/dev/watchdog';
/** Feedings in one time-out. */
const share = 3;
/** A machine without a watchdog is no mistake. */
const absent: readonly string[] = ['ENOENT', 'ENODEV', 'ENXIO'];

export interface WatchdogKeeperParts {
  host: { watchdogs: Watchdogs; clock: Pick<Clock, 'after'> };
  config: Pick<DeviceConfig, 'PV_WDT_MODE' | 'PV_WDT_TIMEOUT' | 'PV_SYSTEM_INIT_MODE'>;
  log: Log;
}

export class WatchdogKeeper {
  readonly #parts: WatchdogKeeperParts;
  #watchdog: Watchdog | undefined;
  #cancel: (() => void) | undefined;

  constructor(parts: WatchdogKeeperParts) {
    this.#parts = parts;
  }

  /** The runtime starts: modes `startup` and `always` count from here. */
  async begin(): Promise<void> {
    const mode = this.#mode();
    if (mode !== 'startup' && mode !== 'always') return;
    await this.#start();
    this.#feedAgain();
  }

  /** A revision runs: mode `startup` has done its part. Others have to feed a watchdog whose driver goes on counting. */
  begun(): void {
    if (this.#mode() !== 'startup' || this.#watchdog === undefined) return;
    this.#parts.log('INFO', 'watchdog', `the start is over: ${device} is let go, and is to be fed by others`);
    this.close();
  }

  /** The device goes down. A restart that does not come to its end in time is made by the watchdog. */
  async ending(purpose: 'reboot' | 'poweroff' | 'exit'): Promise<void> {
    if (purpose !== 'reboot' || this.#mode() === 'disabled') return;
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#watchdog === undefined) await this.#start();
    else this.#watchdog.feed();
  }

  /** The shutdown gets on: a container has ended, or the like. */
  progress(): void {
    this.#watchdog?.feed();
  }

  /** Lets go. A timer of the hardware may go on. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#watchdog?.close();
    this.#watchdog = undefined;
  }

  /** The machine of an app engine is not the device's to reset. */
  #mode(): DeviceConfig['PV_WDT_MODE'] {
    const { PV_WDT_MODE: mode, PV_SYSTEM_INIT_MODE: init } = this.#parts.config;
    return init === 'appengine' ? 'disabled' : mode;
  }

  async #start(): Promise<void> {
    const { host, config, log } = this.#parts;
    const wanted = Math.max(1, config.PV_WDT_TIMEOUT);
    try {
      this.#watchdog = await host.watchdogs.start(device, wanted);
      const { seconds } = this.#watchdog;
      const granted = seconds === wanted ? '' : `, ${wanted} s were asked for`;
      log('INFO', 'watchdog', `${device} resets the machine unless it is fed within ${seconds} s${granted}`);
    } catch (error) {
      const isAbsent = error instanceof HostError && absent.includes(error.code);
      log(isAbsent ? 'DEBUG' : 'WARN', 'watchdog', error instanceof Error ? error.message : String(error));
    }
  }

  #feedAgain(): void {
    const watchdog = this.#watchdog;
    if (watchdog === undefined) return;
    this.#cancel = this.#parts.host.clock.after((watchdog.seconds * 1000) / share, () => {
      watchdog.feed();
      this.#feedAgain();
    });
  }
}
