/** What a device has beside its containers: metadata, daemons, drivers, wake locks, SSH - opened, told what happens, and closed together. */
import type { CommandOperation } from '@pantavisor/ctrl-api';
import type { State } from '@pantavisor/state';
import type { Ground } from '../boot/ground.ts';
import { loadOemFile } from '../config/later.ts';
import type { ConfigStore } from '../config/store.ts';
import { type SysctlSetting, writeSysctls } from '../config/sysctl.ts';
import { type ConfigWarning, formatWarning } from '../config/warning.ts';
import { Daemons } from '../daemons/daemons.ts';
import { SshServer } from '../daemons/ssh.ts';
import { daemonTable } from '../daemons/table.ts';
import { Drivers } from '../drivers/drivers.ts';
import type { Host } from '../host/ports.ts';
import { MetadataRoom } from '../metadata/room.ts';
import { WakeLocks } from '../power/wake-locks.ts';
import { isLocalRevision } from '../storage/revision-name.ts';
import { readSpace } from '../storage/space.ts';

export interface LocalRoomsParts {
  host: Host;
  ground: Ground;
  store: ConfigStore;
  version: string;
  /** State of the running revision. */
  state(): State | undefined;
}

export class LocalRooms {
  readonly metadata: MetadataRoom;
  readonly daemons: Daemons;
  readonly drivers: Drivers;
  readonly wakeLocks: WakeLocks;
  readonly #ssh: SshServer;
  readonly #parts: LocalRoomsParts;
  #unsubscribe: (() => void) | undefined;

  constructor(parts: LocalRoomsParts) {
    this.#parts = parts;
    const { host, ground, store, version, state } = parts;
    const { config, log, places, layout } = ground;
    const space = () => readSpace(host.files, layout, config.PV_STORAGE_GC_RESERVED);
    this.metadata = new MetadataRoom({ host, config: store, places, version, space, log });
    this.drivers = new Drivers({ host, state, userMeta: (key) => this.metadata.user.get(key), log });
    this.daemons = new Daemons({
      host,
      specs: daemonTable,
      mode: config.PV_SYSTEM_INIT_MODE,
      notes: `${places.base}/daemons`,
      log,
    });
    this.wakeLocks = new WakeLocks({ host, config, log });
    this.#ssh = new SshServer({ host, config, userMeta: `${places.run}/user-meta`, log });
  }

  /**
   * Opens the rooms. Metadata comes first, since it may change the configuration of the others.
   * @param sysctls kernel parameters of the configuration
   * @throws Failure of rooms that a device cannot do without
   */
  async open(sysctls: readonly SysctlSetting[]): Promise<void> {
    await this.metadata.open();
    await this.#writeSysctls(sysctls);
    await this.wakeLocks.open();
    this.wakeLocks.hold('boot');
    await this.daemons.open();
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
    const remote = config.PV_CONTROL_REMOTE && (!isLocalRevision(revision) || config.PV_CONTROL_REMOTE_ALWAYS);
    await this.metadata.revisionStarts(revision, remote);
  }

  /** The engine has the revision: what comes now no longer belongs to the start. */
  begun(): void {
    this.wakeLocks.release('boot');
  }

  /** An update is in hand, or not any more. */
  updating(isUpdating: boolean): void {
    if (isUpdating) this.wakeLocks.hold('update');
    else this.wakeLocks.release('update');
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
      default:
        return false;
    }
  }

  /** Ends what runs. The machine may sleep again only when it goes on without this runtime. */
  async close(): Promise<void> {
    const { config } = this.#parts.ground;
    this.#unsubscribe?.();
    await Promise.all([this.#ssh.close(), this.daemons.close()]);
    await Promise.all([this.metadata.user.settled(), this.metadata.device.settled()]);
    if (config.PV_SYSTEM_INIT_MODE === 'appengine') await this.wakeLocks.close();
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
