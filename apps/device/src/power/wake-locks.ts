/**
 * One wake lock of the kernel for the whole runtime, held as long as any scope needs the device awake (tools.md §3). The kernel's
 * files are /sys/power/wake_lock, wake_unlock and autosleep.
 */
import { type WakeLocksJson, type WakeScope, wakeScopes } from '@pantavisor/ctrl-api';
import type { DeviceConfig } from '../config/table.ts';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import type { Log } from '../runtime/log.ts';

/** Name of the lock in the kernel. */
const lockName = 'pantavisor';
const alarmFile = '/sys/class/rtc/rtc0/wakealarm';

type Mode = WakeLocksJson['mode'];

export interface WakeLocksParts {
  host: Pick<Host, 'files' | 'clock'>;
  config: DeviceConfig;
  log: Log;
}

export class WakeLocks {
  readonly #parts: WakeLocksParts;
  readonly #held = new Set<WakeScope>();
  #mode: Mode = 'disabled';
  #directory = '';
  #degraded = false;
  #autosleep = false;
  #settling: (() => void) | undefined;
  #settled = false;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: WakeLocksParts) {
    this.#parts = parts;
  }

  /**
   * Takes the mode of the configuration over and clears a lock that an earlier runtime left.
   * @throws Failure `wake-locks-missing` in mode `managed` on a kernel without wake locks
   */
  async open(): Promise<void> {
    const { host, config, log } = this.#parts;
    this.#mode = config.PV_POWER_MODE;
    this.#directory = config.PV_POWER_SYSFS_DIR;
    if (this.#mode === 'disabled') return;
    const file = `${this.#directory}/wake_unlock`;
    this.#degraded = (await host.files.status(file)) === undefined;
    if (this.#degraded && this.#mode === 'managed')
      throw new Failure('wake-locks-missing', `cannot manage power: the kernel has no ${file}`, {
        file,
        hint: 'set PV_POWER_MODE=locks, or use a kernel with CONFIG_PM_WAKELOCKS',
      });
    if (this.#degraded) log('INFO', 'power', `the kernel has no ${file}: wake locks are counted and not set`);
    else await this.#write('wake_unlock', lockName);
    if (this.#mode === 'managed') await this.#armAlarm();
  }

  /** A scope needs the device awake from now on; holding it twice is the same as once. */
  hold(scope: WakeScope): void {
    if (this.#mode === 'disabled' || this.#held.has(scope)) return;
    this.#held.add(scope);
    if (this.#held.size === 1) this.#queue('wake_lock');
  }

  /** A scope needs it no more. */
  release(scope: WakeScope): void {
    if (!this.#held.delete(scope)) return;
    if (this.#held.size === 0) this.#queue('wake_unlock');
    if (scope === 'boot') this.#settle();
  }

  /** As `GET /wakelocks` shows it. */
  status(): WakeLocksJson {
    return {
      mode: this.#mode,
      count: this.#held.size,
      degraded: this.#degraded,
      autosleep: this.#autosleep,
      settling: this.#settling !== undefined,
      polling: this.#held.has('poll'),
      run_window: false,
      held: Object.fromEntries(wakeScopes.map((scope) => [scope, this.#held.has(scope)])) as Record<WakeScope, boolean>,
    };
  }

  /** Lets the kernel alone again. Resolves when all is written. */
  async close(): Promise<void> {
    this.#settling?.();
    this.#settling = undefined;
    const { size } = this.#held;
    this.#held.clear();
    if (size > 0) this.#queue('wake_unlock');
    await this.#last;
    if (this.#autosleep) await this.#write('autosleep', 'off');
  }

  /** The first start has come to its end: some time later the machine may sleep by itself. */
  #settle(): void {
    const { host, config } = this.#parts;
    if (this.#mode !== 'managed' || this.#settled) return;
    this.#settled = true;
    this.#settling = host.clock.after(config.PV_POWER_AUTOSLEEP_SETTLE * 1000, () => {
      this.#settling = undefined;
      this.#autosleep = true;
      this.#last = this.#last.then(() => this.#write('autosleep', 'mem'));
    });
  }

  async #armAlarm(): Promise<void> {
    const { host, config, log } = this.#parts;
    try {
      // An alarm that is set must be cleared before another is (kernel documentation, sysfs-class-rtc).
      await host.files.write(alarmFile, '0');
      await host.files.write(alarmFile, `+${config.PV_POWER_WAKE_INTERVAL}`);
    } catch (error) {
      log('WARN', 'power', `cannot set the wake-up alarm: ${error instanceof Error ? error.message : error}`);
    }
  }

  #queue(file: 'wake_lock' | 'wake_unlock'): void {
    if (!this.#degraded) this.#last = this.#last.then(() => this.#write(file, lockName));
  }

  async #write(name: string, text: string): Promise<void> {
    const path = `${this.#directory}/${name}`;
    try {
      await this.#parts.host.files.write(path, text);
    } catch (error) {
      this.#parts.log('WARN', 'power', `cannot write ${path}: ${error instanceof Error ? error.message : error}`);
    }
  }
}
