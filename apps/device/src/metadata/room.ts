/** User and device metadata of a device, what follows from a change, and what the device says about itself (metadata.md §3, §4, §7). */
import type { ConfigStore } from '../config/store.ts';
import { formatWarning } from '../config/warning.ts';
import type { Host } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import type { StorageSpace } from '../storage/space.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { architecture, boardModel, cpuModel, sysinfoJson, timeJson, unameJson } from './facts.ts';
import { interfacesJson } from './interfaces.ts';
import { type MetadataChange, MetadataStore } from './store.ts';

/** Statuses of a revision that is still on its way to its goals. */
const onTheWay = ['INSTALLED', 'MOUNTED', 'BLOCKED', 'STARTING'];

export interface MetadataRoomParts {
  host: Pick<Host, 'files' | 'clock' | 'system'>;
  config: ConfigStore;
  places: { run: string; userMeta: string; deviceMeta: string };
  /** Version of the runtime. */
  version: string;
  space(): Promise<StorageSpace>;
  log: Log;
}

/** What clients of the control socket may do with metadata. */
export interface Metadata {
  readonly user: MetadataStore;
  readonly device: MetadataStore;
  /** Brings keys up to date that change by themselves: `interfaces` and `storage`. */
  refresh(): Promise<void>;
}

export class MetadataRoom implements Metadata {
  readonly user: MetadataStore;
  readonly device: MetadataStore;
  readonly #parts: MetadataRoomParts;
  #refreshing: Promise<void> | undefined;

  constructor(parts: MetadataRoomParts) {
    this.#parts = parts;
    const { host, places, log } = parts;
    const { files } = host;
    const { run, userMeta, deviceMeta } = places;
    this.user = new MetadataStore({ files, kind: 'user', directory: userMeta, view: `${run}/user-meta`, log });
    this.device = new MetadataStore({ files, kind: 'device', directory: deviceMeta, view: `${run}/device-meta`, log });
    this.user.subscribe((change) => this.#configure(change));
  }

  /** Reads both kinds from the storage; user metadata counts as configuration from then on (config.md §6). */
  async open(): Promise<void> {
    await makeDirectories(this.#parts.host.files, this.#parts.places.run);
    await Promise.all([this.user.open(), this.device.open()]);
    for (const [key, value] of this.user.entries().reverse()) this.#configure({ key, value });
    await this.#writeHints();
  }

  /** A revision is about to be started. */
  async revisionStarts(revision: string, remote: boolean): Promise<void> {
    const { host, config, version } = this.#parts;
    const facts: readonly (readonly [key: string, value: string | Promise<string>])[] = [
      ['pantavisor.arch', architecture(host.system.machine)],
      ['pantavisor.version', version],
      ['pantavisor.dtmodel', boardModel(host)],
      ['pantavisor.cpumodel', cpuModel(host)],
      ['pantavisor.revision', revision],
      ['pantavisor.mode', remote ? 'remote' : 'local'],
      ['pantahub.online', '0'],
      ['pantahub.claimed', config.snapshot().PH_CREDS_PRN ? '1' : '0'],
      ['pantavisor.uname', unameJson(host)],
      ['time', timeJson(host.clock)],
      ['sysinfo', sysinfoJson(host)],
    ];
    const values = await Promise.all(facts.map(async ([key, value]) => [key, await value] as const));
    await Promise.all(values.map(([key, value]) => this.device.report(key, value)));
  }

  /** The lowest status of all groups changed. */
  async statusChanged(status: string): Promise<void> {
    await this.device.report('pantavisor.status', status);
    // What has begun to change will have changed by its end, and until then the machine has better things to do.
    if (!onTheWay.includes(status)) await this.refresh();
  }

  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const { host, space, log } = this.#parts;
    try {
      await this.device.report('interfaces', await interfacesJson(host.files));
      const { total, free, reserved, realFree } = await space();
      await this.device.report('storage', JSON.stringify({ total, free, reserved, real_free: realFree }));
    } catch (error) {
      log(
        'WARN',
        'metadata',
        `cannot bring device metadata up to date: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  #configure({ key, value }: Pick<MetadataChange, 'key' | 'value'>): void {
    const { config, log } = this.#parts;
    if (value === undefined) config.release(key);
    // Most metadata is no configuration: that is not worth a word.
    else
      for (const warning of config.override(key, value))
        if (warning.code !== 'unknown-key')
          log(warning.severity === 'note' ? 'INFO' : 'WARN', 'config', formatWarning(warning));
  }

  /** Small files for people and containers; empty as long as there is no Hub (metadata.md §7). */
  async #writeHints(): Promise<void> {
    const { host, config, places, log } = this.#parts;
    const { PH_CREDS_ID: id, PH_CREDS_HOST: hub, PH_CREDS_PORT: port } = config.snapshot();
    const hints = {
      challenge: '',
      'device-id': id ? `${id}\n` : '',
      'pantahub-host': id && hub ? `https://${hub}:${port}\n` : '',
    };
    for (const [name, text] of Object.entries(hints)) {
      const path = `${places.run}/${name}`;
      try {
        if ((await host.files.status(path)) !== undefined) await host.files.unlink(path);
        await host.files.write(path, text, { mode: 0o444 });
      } catch (error) {
        log('WARN', 'metadata', `cannot write ${path}: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
}
