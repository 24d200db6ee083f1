/** What a device has beside its containers: metadata, daemons, drivers, power, debugging - opened, told what happens, and closed together. */
import type { CommandOperation, WakeLocksJson } from '@pantavisor/ctrl-api';
import type { UpdateEffect } from '@pantavisor/engine';
import type { State } from '@pantavisor/state';
import type { Ground } from '../boot/ground.ts';
import { loadOemFile } from '../config/later.ts';
import type { ConfigStore } from '../config/store.ts';
import { type SysctlSetting, writeSysctls } from '../config/sysctl.ts';
import { type ConfigWarning, formatWarning } from '../config/warning.ts';
import { Daemons } from '../daemons/daemons.ts';
import { isMeshed, meshPause, meshSignal, ownDaemons } from '../daemons/mesh.ts';
import { daemonTable } from '../daemons/table.ts';
import { ConsoleShell } from '../debug/console-shell.ts';
import { SshServer } from '../debug/ssh.ts';
import { Drivers } from '../drivers/drivers.ts';
import type { Host } from '../host/ports.ts';
import { MetadataRoom } from '../metadata/room.ts';
import { WakeLocks } from '../power/wake-locks.ts';
import { type Rounds, WakeWindows } from '../power/wake-windows.ts';
import { WatchdogKeeper } from '../power/watchdog.ts';
import { isLocalRevision } from '../storage/revision-name.ts';
import { readSpace } from '../storage/space.ts';
import type { NewEvent } from './loop.ts';

export interface LocalRoomsParts {
  host: Host;
  ground: Ground;
  store: ConfigStore;
  version: string;
  /** State of the running revision. */
  state(): State | undefined;
  post(event: NewEvent): void;
  /** The Hub client, if the device has one. */
  rounds(): Rounds | undefined;
}

export class LocalRooms {
  readonly metadata: MetadataRoom;
  readonly daemons: Daemons;
  readonly drivers: Drivers;
  readonly wakeLocks: WakeLocks;
  readonly wakeWindows: WakeWindows;
  readonly watchdog: WatchdogKeeper;
  readonly #shell: ConsoleShell;
  readonly #ssh: SshServer;
  readonly #parts: LocalRoomsParts;
  #unsubscribe: (() => void) | undefined;
  #tellMesh: (() => void) | undefined;
  #isUpdating = false;
  #isEnding = false;

  constructor(parts: LocalRoomsParts) {
    this.#parts = parts;
    const { host, ground, store, version, state, post, rounds } = parts;
    const { config, log, places, layout } = ground;
    const space = () => readSpace(host.files, layout, config.PV_STORAGE_GC_RESERVED);
    this.metadata = new MetadataRoom({ host, config: store, places, version, space, log });
    this.drivers = new Drivers({ host, state, userMeta: (key) => this.metadata.user.get(key), log });
    this.daemons = new Daemons({
      host,
      specs: daemonTable,
      mode: config.PV_SYSTEM_INIT_MODE,
      own: ownDaemons(host, config, ground.socketPath),
      notes: `${places.base}/daemons`,
      log,
    });
    this.wakeLocks = new WakeLocks({ host, config, log });
    this.wakeWindows = new WakeWindows({ host, config, locks: this.wakeLocks, rounds, log });
    this.watchdog = new WatchdogKeeper({ host, config, log });
    this.#shell = new ConsoleShell({
      host,
      config,
      log,
      changed: (isOpen) => {
        if (isOpen) this.wakeLocks.hold('debug_shell');
        else this.wakeLocks.release('debug_shell');
        post({ type: isOpen ? 'restart.block' : 'restart.unblock', by: 'debug-shell' });
      },
      postpone: (ms) => post({ type: 'restart.block', by: 'debug-shell', ms }),
    });
    this.#ssh = new SshServer({ host, config, userMeta: `${places.run}/user-meta`, log });
  }

  /**
   * Opens the rooms. Metadata comes first, since it may change the configuration of the others.
   * @param sysctls kernel parameters of the configuration
   * @throws Failure of rooms that a device cannot do without
   */
  async open(sysctls: readonly SysctlSetting[]): Promise<void> {
    await this.watchdog.begin();
    await this.metadata.open();
    await this.#writeSysctls(sysctls);
    await this.wakeLocks.open();
    this.wakeLocks.hold('boot');
    if (this.wakeLocks.mode === 'managed') await this.wakeWindows.open();
    await this.daemons.open();
    if (this.#isMachine) await this.#shell.open();
    await this.#ssh.follow();
    this.#unsubscribe = this.#parts.store.subscribe((_, changed) => {
      if (changed.has('PV_DEBUG_SSH')) void this.#ssh.follow();
    });
  }

  /** A revision is laid out and about to be started: its OEM configuration counts, and metadata says its name. */
  async revisionStarts(revision: string): Promise<void> {
    const { host, store, ground } = this.#parts;
    const { config, log } = ground;
    try {
      const { warnings, sysctls } = await loadOemFile(host.files, store, revision);
      this.#say(warnings);
      await this.#writeSysctls(sysctls);
    } catch (error) {
      log('ERROR', 'config', `cannot read the OEM configuration: ${error instanceof Error ? error.message : error}`);
    }
    if (await this.wakeLocks.follow()) {
      if (this.wakeLocks.mode === 'managed') await this.wakeWindows.open();
      else this.wakeWindows.close();
    }
    const remote = config.PV_CONTROL_REMOTE && (!isLocalRevision(revision) || config.PV_CONTROL_REMOTE_ALWAYS);
    await this.metadata.revisionStarts(revision, remote);
  }

  /** The engine has the revision: what comes now no longer belongs to the start. */
  begun(): void {
    this.wakeLocks.release('boot');
    this.watchdog.begun();
  }

  /** Containers have come or gone, or other ones: the mesh runs while it has something to connect, and looks at once. */
  containersChanged(): void {
    const { host, state } = this.#parts;
    this.#tellMesh ??= host.clock.after(meshPause, () => {
      this.#tellMesh = undefined;
      const containers = state()?.containers ?? [];
      this.daemons.need('pv-xconnect', isMeshed(containers));
      this.daemons.signal('pv-xconnect', meshSignal);
    });
  }

  /** The device is on its way down: a machine that falls asleep there, or hangs, would never arrive. */
  ending(purpose: 'reboot' | 'poweroff' | 'exit'): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.wakeLocks.hold('shutdown');
    void this.watchdog.ending(purpose);
  }

  /** A reboot waits. */
  held({ by, until }: Extract<UpdateEffect, { type: 'restart.held' }>): void {
    if (by.includes('debug-shell')) this.#shell.held(until?.blocker === 'debug-shell' ? until.ms : undefined);
  }

  /** An update is in hand, or not any more. */
  updating(isUpdating: boolean): void {
    if (isUpdating === this.#isUpdating) return;
    this.#isUpdating = isUpdating;
    if (isUpdating) {
      this.wakeLocks.hold('update');
      return;
    }
    // First: between the two the machine could fall asleep.
    this.wakeWindows.updateEnded();
    this.wakeLocks.release('update');
  }

  /** As `GET /wakelocks` shows it. */
  wakeLocksStatus(): WakeLocksJson {
    return { ...this.wakeLocks.status(), run_window: this.wakeWindows.isRunWindow };
  }

  /** Carries out a command of the control socket that concerns these rooms. @returns false when it is none of those */
  async carryOut(operation: CommandOperation, payload: string): Promise<boolean> {
    switch (operation) {
      case 'ENABLE_SSH':
      case 'DISABLE_SSH':
        this.#say(
          this.#parts.store.apply(
            [{ name: 'debug.ssh', value: operation === 'ENABLE_SSH' ? '1' : '0', source: operation }],
            'command',
          ).warnings,
        );
        return true;
      case 'UPDATE_METADATA':
        await this.#updateMetadata(payload);
        return true;
      case 'XCONNECT_GRAPH':
        this.daemons.signal('pv-xconnect', meshSignal);
        return true;
      default:
        return false;
    }
  }

  /** Ends what runs. The machine may sleep again only when it goes on without this runtime. */
  async close(): Promise<void> {
    this.#unsubscribe?.();
    this.#tellMesh?.();
    this.wakeWindows.close();
    await Promise.all([this.#shell.close(), this.#ssh.close(), this.daemons.close()]);
    await Promise.all([this.metadata.user.settled(), this.metadata.device.settled()]);
    if (!this.#isMachine) await this.wakeLocks.close();
  }

  /** The whole machine is the device's, and not only a part of it. */
  get #isMachine(): boolean {
    return this.#parts.ground.config.PV_SYSTEM_INIT_MODE !== 'appengine';
  }

  async #updateMetadata(payload: string): Promise<void> {
    try {
      const [first] = Object.entries(JSON.parse(payload) as Record<string, unknown>);
      if (first === undefined) return;
      const [key, value] = first;
      await this.metadata.device.set(key, typeof value === 'string' ? value : JSON.stringify(value));
    } catch (error) {
      const why = error instanceof Error ? error.message : error;
      this.#parts.ground.log('ERROR', 'commands', `cannot update metadata with ${payload.slice(0, 80)}: ${why}`);
    }
  }

  async #writeSysctls(settings: readonly SysctlSetting[]): Promise<void> {
    this.#say(await writeSysctls(this.#parts.host.files, settings));
  }

  #say(warnings: readonly ConfigWarning[]): void {
    for (const warning of warnings)
      this.#parts.ground.log(warning.severity === 'note' ? 'INFO' : 'WARN', 'config', formatWarning(warning));
  }
}
