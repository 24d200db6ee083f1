/** One kind of metadata - user or device - in memory, on the storage, and before the eyes of containers (metadata.md §2). */
import type { Files } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import { makeTree, readIfThere, removeDurable, writeDurable } from '../storage/durable.ts';
import { isStorableKey, MetadataMap } from './map.ts';
import { MetadataView } from './view.ts';

/** Largest value, in bytes: of the control socket, and of a file that is read at start. */
export const valueLimit = 4096;

const fileMode = 0o644;
const directoryMode = 0o500;

/** A change that has taken place. */
export interface MetadataChange {
  key: string;
  /** Undefined: the key was removed. */
  value: string | undefined;
  /** Somebody asked for it, and it is on the storage; else the device has found it out by itself. */
  isAsked: boolean;
}

export interface MetadataStoreParts {
  files: Files;
  /** For messages: `user` or `device`. */
  kind: 'user' | 'device';
  /** Directory on the storage, one file for each key. */
  directory: string;
  /** Directory that containers see. */
  view: string;
  log: Log;
}

/**
 * Changes go one after the other; a promise of a change resolves when it is durable. In memory and in the eyes of subscribers a change
 * takes place only once it is on the storage, so that nobody is told of what a power cut takes back.
 */
export class MetadataStore {
  readonly #parts: MetadataStoreParts;
  readonly #map = new MetadataMap();
  readonly #view: MetadataView;
  /** Keys whose value is on the storage. */
  readonly #kept = new Set<string>();
  readonly #listeners = new Set<(change: MetadataChange) => void>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: MetadataStoreParts) {
    this.#parts = parts;
    this.#view = new MetadataView(parts.files, parts.view);
  }

  /** Reads what is on the storage and shows it. A file that cannot be read or is too large is said and skipped. */
  async open(): Promise<void> {
    const { files, directory } = this.#parts;
    await this.#attempt(`make ${directory}`, () => makeTree(files, directory, directoryMode));
    if ((await files.status(directory, { follow: true }))?.kind === 'directory') {
      for (const { name, kind } of await files.list(directory)) {
        if (name.startsWith('.') || kind !== 'file') continue;
        const value = await readIfThere(files, `${directory}/${name}`, valueLimit);
        if (value === undefined) this.#say(`cannot use ${directory}/${name}: it is larger than ${valueLimit} bytes`);
        else {
          this.#map.set(name, value);
          this.#kept.add(name);
        }
      }
    }
    await this.#attempt(`show metadata in ${this.#parts.view}`, () => this.#view.open(this.#map.entries()));
  }

  get(key: string): string | undefined {
    return this.#map.get(key);
  }

  /** Newest first. */
  entries(): [key: string, value: string][] {
    return this.#map.entries();
  }

  json(): string {
    return this.#map.json();
  }

  /** Calls back after each real change; the result ends it. */
  subscribe(listener: (change: MetadataChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Sets a key and keeps it on the storage. A key that cannot be the name of a file is kept in memory only, which is said.
   * @returns whether anything changed
   * @throws HostError when it cannot be made durable; nothing has changed then
   */
  set(key: string, value: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const { files, directory } = this.#parts;
      const changed = this.#map.get(key) !== value;
      if (!changed && this.#kept.has(key)) return false;
      if (isStorableKey(key)) {
        await makeTree(files, directory, directoryMode);
        await writeDurable(files, `${directory}/${key}`, value, fileMode);
        this.#kept.add(key);
      } else this.#say(`cannot keep ${JSON.stringify(key)} over a restart: it cannot be the name of a file`);
      return this.#commit(key, value, true);
    });
  }

  /** Sets a key that the device finds out by itself at each start: it is shown and not kept. @returns whether anything changed */
  report(key: string, value: string): Promise<boolean> {
    return this.#inTurn(async () => this.#map.get(key) !== value && this.#commit(key, value, false));
  }

  /** Removes a key everywhere. @returns whether it was there */
  delete(key: string): Promise<boolean> {
    return this.#inTurn(() => this.#removeOne(key));
  }

  /** Removes every key that a full list from the Hub does not have, and sets those that it has (metadata.md §3). */
  replace(entries: readonly (readonly [key: string, value: string])[]): Promise<void> {
    const wanted = new Set(entries.map(([key]) => key));
    const work = entries.map(([key, value]) => this.set(key, value));
    const remove = this.#inTurn(async () => {
      for (const [key] of this.#map.entries()) if (!wanted.has(key)) await this.#removeOne(key);
    });
    return Promise.all([...work, remove]).then(() => undefined);
  }

  /** Resolves when every change asked for so far has taken place. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #removeOne(key: string): Promise<boolean> {
    const { files, directory } = this.#parts;
    if (!this.#map.has(key)) return false;
    if (this.#kept.delete(key)) await removeDurable(files, `${directory}/${key}`);
    this.#map.delete(key);
    await this.#attempt(`hide ${key}`, () => this.#view.delete(key));
    this.#tell({ key, value: undefined, isAsked: true });
    return true;
  }

  async #commit(key: string, value: string, isAsked: boolean): Promise<boolean> {
    if (!this.#map.set(key, value)) return false;
    await this.#attempt(`show ${key}`, () => this.#view.set(key, value));
    this.#tell({ key, value, isAsked });
    return true;
  }

  #tell(change: MetadataChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #attempt(doing: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#say(`cannot ${doing}: ${error instanceof Error ? error.message : error}`);
    }
  }

  #say(sentence: string): void {
    this.#parts.log('ERROR', 'metadata', `${this.#parts.kind} metadata: ${sentence}`);
  }
}
