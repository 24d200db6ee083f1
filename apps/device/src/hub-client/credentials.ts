/** Id, name and secret of the device at the Hub: in the configuration, in its files, and as hints for people (config.md §8, metadata.md §7). */
import { applyHubFile, formatHubFile } from '../config/later.ts';
import type { ConfigStore } from '../config/store.ts';
import type { DeviceConfig } from '../config/table.ts';
import type { ConfigWarning } from '../config/warning.ts';
import type { Files } from '../host/ports.ts';
import { readIfThere, removeDurable, writeDurable } from '../storage/durable.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { hubAddress } from './address.ts';

export interface Registration {
  id: string;
  prn: string;
  secret: string;
}

export interface CredentialsParts {
  files: Files;
  store: ConfigStore;
  layout: Pick<StorageLayout, 'config'>;
  /** Directory that containers see. */
  run: string;
  /** The kernel command line, whose `ph_` words count above the files. */
  cmdline: string;
}

const fileLimit = 1024 * 1024;
/** They hold the secret. */
const fileMode = 0o600;
const hintMode = 0o444;

export class Credentials {
  readonly #parts: CredentialsParts;
  /** Name of a device that nobody owns yet; in the configuration it would mean that somebody does. */
  #unclaimed = '';

  constructor(parts: CredentialsParts) {
    this.#parts = parts;
  }

  /** Takes over what earlier runs have stored. @returns what was wrong in the files */
  async load(): Promise<ConfigWarning[]> {
    const warnings = await this.#apply('pantahub.config');
    return this.claimed ? warnings : [...warnings, ...(await this.#apply('unclaimed.config'))];
  }

  async #apply(name: string): Promise<ConfigWarning[]> {
    const { files, store, layout, cmdline } = this.#parts;
    const path = `${layout.config}/${name}`;
    const text = await readIfThere(files, path, fileLimit);
    if (text === undefined && name === 'unclaimed.config') return [];
    const { warnings } = applyHubFile(store, text, path, cmdline);
    if (name === 'unclaimed.config') {
      this.#unclaimed = store.snapshot().PH_CREDS_PRN ?? '';
      this.#assign({ PH_CREDS_PRN: '' });
    }
    return warnings;
  }

  /** The Hub knows the device. */
  get registered(): boolean {
    return (this.#parts.store.snapshot().PH_CREDS_ID ?? '') !== '';
  }

  /** Somebody owns the device. */
  get claimed(): boolean {
    return (this.#parts.store.snapshot().PH_CREDS_PRN ?? '') !== '';
  }

  get id(): string {
    return this.#parts.store.snapshot().PH_CREDS_ID ?? '';
  }

  /** What the device logs in with. */
  get login(): { username: string; password: string } {
    const { PH_CREDS_PRN, PH_CREDS_SECRET } = this.#parts.store.snapshot();
    return { username: PH_CREDS_PRN || this.#unclaimed, password: PH_CREDS_SECRET ?? '' };
  }

  /** Keeps a registration that nobody has claimed yet. */
  async register({ id, prn, secret }: Registration): Promise<void> {
    this.#unclaimed = prn;
    this.#assign({ PH_CREDS_ID: id, PH_CREDS_PRN: '', PH_CREDS_SECRET: secret });
    await this.#save('unclaimed.config', { PH_CREDS_PRN: prn });
    await this.hints('');
  }

  /** The device has an owner. */
  async claim(): Promise<void> {
    this.#assign({ PH_CREDS_PRN: this.login.username });
    await this.#save('pantahub.config');
    await removeDurable(this.#parts.files, `${this.#parts.layout.config}/unclaimed.config`);
    await this.hints('');
  }

  /** Forgets everything (UNCLAIM, or a registration that the Hub no longer knows). */
  async forget(): Promise<void> {
    this.#unclaimed = '';
    this.#assign({ PH_CREDS_ID: '', PH_CREDS_PRN: '', PH_CREDS_SECRET: '' });
    await this.#save('pantahub.config');
    await removeDurable(this.#parts.files, `${this.#parts.layout.config}/unclaimed.config`);
    await this.hints('');
  }

  /** Writes the files that tell people how to claim the device. @param challenge empty when there is nothing to claim */
  async hints(challenge: string): Promise<void> {
    const { files, run, store } = this.#parts;
    await makeDirectories(files, run);
    const texts = { challenge, 'device-id': this.id, 'pantahub-host': hubAddress(store.snapshot()) };
    for (const [name, text] of Object.entries(texts)) {
      const content = text === '' ? '' : `${text}\n`;
      if ((await readIfThere(files, `${run}/${name}`, fileLimit)) === content) continue;
      await writeDurable(files, `${run}/${name}`, content, hintMode);
    }
  }

  #assign(values: Partial<Record<'PH_CREDS_ID' | 'PH_CREDS_PRN' | 'PH_CREDS_SECRET', string>>): void {
    for (const key of ['PH_CREDS_ID', 'PH_CREDS_PRN', 'PH_CREDS_SECRET'] as const) {
      const value = values[key];
      if (value !== undefined) this.#parts.store.assign(key, value, 'hub client');
    }
  }

  #save(name: string, own: Partial<DeviceConfig> = {}): Promise<void> {
    const { files, store, layout } = this.#parts;
    const text = formatHubFile({ ...store.snapshot(), ...own });
    return writeDurable(files, `${layout.config}/${name}`, text, fileMode);
  }
}
