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

export type PowerMode = WakeLocksJson['mode'];

export interface WakeLocksParts {
  host: Pick<Host, 'files' | 'clock'>;
  config: Pick<DeviceConfig, 'PV_POWER_MODE' | 'PV_POWER_SYSFS_DIR' | 'PV_POWER_AUTOSLEEP_SETTLE'>;
  log: Log;
}

export class WakeLocks {
  readonly #parts: WakeLocksParts;
  readonly #held = new Set<WakeScope>();
  #mode: PowerMode = 'disabled';
  #directory = '';
  #degraded = false;
  #autosleep = false;
  #settling: (() => void) | undefined;
  /** The first start has come to its end. */
  #isUp = false;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: WakeLocksParts) {
    this.#parts = parts;
  }

  /** The mode that counts, whatever the configuration has become meanwhile. */
  get mode(): PowerMode {
    return this.#mode;
  }

  /**
   * Takes the mode of the configuration over and clears a lock that an earlier runtime left.
   * @throws Failure `wake-locks-missing` in mode `managed` on a kernel without wake locks
   */
  async open(): Promise<void> {
    await this.#enter(this.#parts.config.PV_POWER_MODE);
  }

  /**
   * A revision is about to start: a mode that was changed meanwhile counts from here. One that this kernel cannot have is said, and the mode
   * before goes on.
   * @returns whether the mode has changed
   */
  async follow(): Promise<boolean> {
    const [before, wanted] = [this.#mode, this.#parts.config.PV_POWER_MODE];
    if (wanted === before) return false;
    try {
      if (before !== 'disabled') await this.#leave();
      await this.#enter(wanted);
    } catch (error) {
      this.#parts.log('ERROR', 'power', error instanceof Error ? error.message : String(error));
      await this.#enter(before);
      return false;
    }
    this.#parts.log('INFO', 'power', `power mode ${wanted} instead of ${before}`);
    // The device has been awake long enough.
    if (wanted === 'managed' && this.#isUp) this.#sleepAlone();
    return true;
  }

  /** A scope needs the device awake from now on; holding it twice is the same as once. */
  hold(scope: WakeScope): void {
    if (this.#held.has(scope)) return;
    this.#held.add(scope);
    if (this.#held.size === 1) this.#queue('wake_lock');
  }

  /** A scope needs it no more. */
  release(scope: WakeScope): void {
    if (!this.#held.delete(scope)) return;
    if (this.#held.size === 0) this.#queue('wake_unlock');
    if (scope === 'boot') this.#settle();
  }

  /** As `GET /wakelocks` shows it, but for the windows of mode `managed`. */
  status(): WakeLocksJson {
    const counts = (scope: WakeScope) => this.#mode !== 'disabled' && this.#held.has(scope);
    return {
      mode: this.#mode,
      count: wakeScopes.filter(counts).length,
      degraded: this.#degraded,
      autosleep: this.#autosleep,
      settling: this.#settling !== undefined,
      polling: counts('poll'),
      run_window: false,
      held: Object.fromEntries(wakeScopes.map((scope) => [scope, counts(scope)])) as Record<WakeScope, boolean>,
    };
  }

  /** Lets the kernel alone again. Resolves when all is written. */
  async close(): Promise<void> {
    await this.#leave();
    this.#held.clear();
  }

  async #enter(mode: PowerMode): Promise<void> {
    const { host, config, log } = this.#parts;
    const directory = config.PV_POWER_SYSFS_DIR;
    const file = `${directory}/wake_unlock`;
    const degraded = mode !== 'disabled' && (await host.files.status(file)) === undefined;
    if (degraded && mode === 'managed')
      throw new Failure('wake-locks-missing', `cannot manage power: the kernel has no ${file}`, {
        file,
        hint: 'set PV_POWER_MODE=locks, or use a kernel with CONFIG_PM_WAKELOCKS',
      });
    this.#directory = directory;
    this.#degraded = degraded;
    this.#mode = mode;
    if (mode === 'disabled') return;
    if (degraded) log('INFO', 'power', `the kernel has no ${file}: wake locks are counted and not set`);
    else await this.#write('wake_unlock', lockName);
    if (this.#held.size > 0) this.#queue('wake_lock');
  }

  async #leave(): Promise<void> {
    this.#settling?.();
    this.#settling = undefined;
    if (this.#held.size > 0) this.#queue('wake_unlock');
    await this.#last;
    if (this.#autosleep) await this.#write('autosleep', 'off');
    this.#autosleep = false;
  }

  /** The first start has come to its end: some time later the machine may sleep by itself. */
  #settle(): void {
    const { host, config } = this.#parts;
    if (this.#isUp) return;
    this.#isUp = true;
    if (this.#mode !== 'managed') return;
    this.#settling = host.clock.after(config.PV_POWER_AUTOSLEEP_SETTLE * 1000, () => {
      this.#settling = undefined;
      this.#sleepAlone();
    });
  }

  #sleepAlone(): void {
    this.#autosleep = true;
    this.#last = this.#last.then(() => this.#write('autosleep', 'mem'));
  }

  #queue(file: 'wake_lock' | 'wake_unlock'): void {
    if (this.#mode !== 'disabled' && !this.#degraded) this.#last = this.#last.then(() => this.#write(file, lockName));
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
