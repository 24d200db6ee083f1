/**
 * The files through which containers see metadata: `<view>/<key>`, and `<view>.<container>/<rest>` of keys that belong to one
 * (metadata.md §2, §6). They are made anew at each start and need not be durable; a reader finds the old file or the new one, whole.
 */
import { type Files, HostError } from '../host/ports.ts';
import { nameOf, parentOf, temporaryOf, unlessCode } from '../storage/durable.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { containerPart, isStorableKey } from './map.ts';

const fileMode = 0o644;

export class MetadataView {
  readonly #files: Files;
  readonly #path: string;

  /** @param path directory of all keys, e.g. `<run>/user-meta` */
  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** Makes the directories show these pairs and nothing else. Directories stay what they are: containers may have them mounted. */
  async open(entries: readonly (readonly [key: string, value: string])[]): Promise<void> {
    const wanted = new Map(entries.flatMap(([key, value]) => this.#pathsOf(key).map((path) => [path, value] as const)));
    await makeDirectories(this.#files, this.#path);
    for (const directory of await this.#directories())
      for (const { name } of await this.#files.list(directory)) {
        const path = `${directory}/${name}`;
        if (!wanted.has(path)) await this.#remove(path);
      }
    for (const [path, value] of wanted) await this.#write(path, value);
  }

  async set(key: string, value: string): Promise<void> {
    for (const path of this.#pathsOf(key)) await this.#write(path, value);
  }

  async delete(key: string): Promise<void> {
    for (const path of this.#pathsOf(key)) await this.#remove(path);
  }

  #pathsOf(key: string): string[] {
    const paths = isStorableKey(key) ? [`${this.#path}/${key}`] : [];
    const part = containerPart(key);
    return part === undefined ? paths : [...paths, `${this.#path}.${part.container}/${part.name}`];
  }

  async #directories(): Promise<string[]> {
    const [parent, name] = [parentOf(this.#path), nameOf(this.#path)];
    const siblings = await this.#files.list(parent);
    const parts = siblings.filter((entry) => entry.kind === 'directory' && entry.name.startsWith(`${name}.`));
    return [this.#path, ...parts.map((entry) => `${parent}/${entry.name}`)];
  }

  async #write(path: string, value: string): Promise<void> {
    const temporary = temporaryOf(path);
    await makeDirectories(this.#files, parentOf(path));
    await this.#files.write(temporary, value, { mode: fileMode });
    await this.#files.rename(temporary, path);
  }

  async #remove(path: string): Promise<void> {
    try {
      await unlessCode('ENOENT', this.#files.unlink(path));
    } catch (error) {
      // A directory where a file would be is not ours.
      if (!(error instanceof HostError) || error.code !== 'EISDIR') throw error;
    }
  }
}
