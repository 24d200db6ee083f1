/**
 * Mode `managed`: the machine sleeps by itself, the alarm of the real-time clock wakes it from time to time, and a window is held open in
 * which the device asks its Hub for everything (tools.md §3).
 */
import type { DeviceConfig } from '../config/table.ts';
import type { Host } from '../host/ports.ts';
import type { ByteSource } from '../host/streams.ts';
import type { Log } from '../runtime/log.ts';
import type { WakeLocks } from './wake-locks.ts';

const clockDevice = '/dev/rtc0';
const alarmFile = '/sys/class/rtc/rtc0/wakealarm';
/** Milliseconds after which a Hub that did not answer is asked again. */
const retryDelay = 3_000;

/** What a wake-up is for. */
export interface Rounds {
  /** The device is logged in to its Hub. */
  readonly isOnline: boolean;
  /** The device has an owner and a Hub to ask. */
  readonly hasHub: boolean;
  /** Asks for steps and user metadata and tells device metadata, all at once. @returns false when the Hub did not answer */
  round(): Promise<boolean>;
}

export interface WakeWindowsParts {
  host: Pick<Host, 'files' | 'clock' | 'streams'>;
  config: Pick<
    DeviceConfig,
    'PV_POWER_WAKE_INTERVAL' | 'PV_POWER_WAKE_RUN_WINDOW' | 'PV_POWER_WAKE_MIN_AWAKE' | 'PV_POWER_WAKE_MAX_AWAKE'
  >;
  locks: Pick<WakeLocks, 'hold' | 'release'>;
  /** The Hub client, if the device has one. */
  rounds(): Rounds | undefined;
  log: Log;
}

interface Window {
  /** Numbers the rounds: the answer to an earlier one closes nothing. */
  round: number;
  isRoundDone: boolean;
  isMinimumOver: boolean;
  /** The containers have had their time. */
  isRunOver: boolean;
  readonly cancels: Set<() => void>;
}

export class WakeWindows {
  readonly #parts: WakeWindowsParts;
  #clock: ByteSource | undefined;
  #isOpen = false;
  #isArmed = false;
  #window: Window | undefined;

  constructor(parts: WakeWindowsParts) {
    this.#parts = parts;
  }

  /** The containers have time of their own in this wake-up. */
  get isRunWindow(): boolean {
    return this.#window?.isRoundDone === true && !this.#window.isRunOver;
  }

  /** Sets the alarm and waits for it. A machine without a real-time clock is woken by others only. */
  async open(): Promise<void> {
    if (this.#isOpen) return;
    this.#isOpen = true;
    const { host, log } = this.#parts;
    try {
      this.#clock = await host.streams.records(clockDevice);
      this.#clock.start(
        () => this.#woken(),
        () => {
          this.#clock = undefined;
        },
      );
    } catch (error) {
      log('WARN', 'power', `cannot wait for the wake-up alarm: ${error instanceof Error ? error.message : error}`);
    }
    await this.#arm();
  }

  /** An update is over: the Hub may have the next one. */
  updateEnded(): void {
    if (!this.#isOpen) return;
    if (this.#window === undefined) this.#begin();
    else this.#ask(this.#window);
  }

  /** The device is logged in to its Hub: from now on there is a reason to wake up. */
  online(): void {
    if (this.#isOpen && !this.#isArmed) void this.#arm();
  }

  /** Lets the machine be woken by others only. */
  close(): void {
    this.#isOpen = false;
    this.#clock?.close();
    this.#clock = undefined;
    this.#end();
  }

  #woken(): void {
    const { config, rounds } = this.#parts;
    // Before everything else: the machine would fall asleep again.
    this.#parts.locks.hold('poll');
    this.#isArmed = false;
    if (rounds()?.isOnline || config.PV_POWER_WAKE_RUN_WINDOW > 0) void this.#arm();
    if (this.#window === undefined) this.#begin();
  }

  #begin(): void {
    const { config, locks, log } = this.#parts;
    locks.hold('poll');
    const window: Window = {
      round: 0,
      isRoundDone: false,
      isMinimumOver: false,
      isRunOver: false,
      cancels: new Set(),
    };
    this.#window = window;
    log('DEBUG', 'power', 'the device is awake and asks its Hub');
    this.#after(window, config.PV_POWER_WAKE_MAX_AWAKE * 1000, () => this.#end());
    this.#after(window, config.PV_POWER_WAKE_MIN_AWAKE * 1000, () => {
      window.isMinimumOver = true;
      this.#endIfDone(window);
    });
    this.#ask(window);
  }

  #ask(window: Window): void {
    const { rounds, config } = this.#parts;
    window.round += 1;
    window.isRoundDone = false;
    const [number, hub] = [window.round, rounds()];
    const asked = hub?.hasHub === true ? hub.round() : Promise.resolve(true);
    void asked.then((isAnswered) => {
      if (this.#window !== window || window.round !== number) return;
      if (!isAnswered) {
        this.#after(window, retryDelay, () => this.#ask(window));
        return;
      }
      window.isRoundDone = true;
      this.#after(window, config.PV_POWER_WAKE_RUN_WINDOW * 1000, () => {
        window.isRunOver = true;
        this.#endIfDone(window);
      });
    });
  }

  #endIfDone(window: Window): void {
    if (window.isRoundDone && window.isMinimumOver && window.isRunOver) this.#end();
  }

  #end(): void {
    const window = this.#window;
    if (window === undefined) return;
    this.#window = undefined;
    for (const cancel of window.cancels) cancel();
    this.#parts.log('DEBUG', 'power', 'the device may sleep');
    this.#parts.locks.release('poll');
  }

  #after(window: Window, ms: number, work: () => void): void {
    const cancel = this.#parts.host.clock.after(ms, () => {
      window.cancels.delete(cancel);
      if (this.#window === window) work();
    });
    window.cancels.add(cancel);
  }

  async #arm(): Promise<void> {
    const { host, config, log } = this.#parts;
    this.#isArmed = true;
    try {
      // An alarm that is set must be cleared before another is (kernel documentation, sysfs-class-rtc).
      await host.files.write(alarmFile, '0');
      await host.files.write(alarmFile, `+${config.PV_POWER_WAKE_INTERVAL}`);
    } catch (error) {
      log('WARN', 'power', `cannot set the wake-up alarm: ${error instanceof Error ? error.message : error}`);
    }
  }
}
