/**
 * Remembers what a file of the working tree contained when it had a certain size, time and inode, so that an unchanged tree
 * is not read again (as the index of git does).
 */
import type { Stats } from 'node:fs';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** What is known of the content of one file. */
export interface Content {
  /** SHA-256 of the bytes. */
  sha: string;
  /** Canonical JSON, without nulls, of a file that is inlined. */
  inline?: string;
  /** The JSON holds nulls, which no state can keep. */
  nulls?: true;
}

type Entry = [size: number, mtime: number, ctime: number, inode: number, sha: string, inline?: string, nulls?: 1];

const version = 2;
/** Milliseconds between two ticks of the clock that stamps files, with a margin. A file changed again within one tick looks unchanged. */
const tick = 20;

export class StatCache {
  readonly #path: string;
  #entries: Record<string, Entry> = {};
  readonly #written = new Map<string, number>();
  readonly #begun = Date.now();
  #dirty = false;

  /** @param path file of the cache; a missing or damaged one is empty */
  constructor(path: string) {
    this.#path = path;
    try {
      const stored = JSON.parse(readFileSync(path, 'utf8')) as { version: number; files: Record<string, Entry> };
      if (stored.version === version) this.#entries = stored.files;
    } catch {
      // It only saves work: without it everything is read again.
    }
  }

  /** What the file contains, when it certainly is as it was. */
  find(key: string, stats: Stats): Content | undefined {
    const entry = this.#entries[key];
    if (!Array.isArray(entry) || !sameFile(entry, stats)) return undefined;
    const [, , , , sha, inline, nulls] = entry;
    return { sha, ...(inline ? { inline } : {}), ...(nulls ? { nulls: true } : {}) };
  }

  /**
   * Remembers what a file contains.
   * @param stats from before the file was read, or from after this process wrote it
   * @param written this process wrote the file
   */
  remember(key: string, stats: Stats, { sha, inline, nulls }: Content, written = false): void {
    this.#dirty = true;
    if (written) this.#written.set(key, stats.ctimeMs);
    // A file of this very moment may change again without its times telling.
    if (!written && this.isRacy(stats)) delete this.#entries[key];
    else
      this.#entries[key] = [
        stats.size,
        stats.mtimeMs,
        stats.ctimeMs,
        stats.ino,
        sha,
        ...((inline ? [inline] : nulls ? [''] : []) as [string?]),
        ...((nulls ? [1] : []) as [1?]),
      ] as Entry;
  }

  /** The file may have changed again after it was looked at, within the same tick of the clock. */
  isRacy({ ctimeMs }: Stats): boolean {
    return ctimeMs > this.#begun - tick;
  }

  /** Forgets all files but these. */
  keepOnly(keys: { has(key: string): boolean }): void {
    for (const key of Object.keys(this.#entries)) {
      if (keys.has(key)) continue;
      delete this.#entries[key];
      this.#dirty = true;
    }
  }

  /** Writes the cache when there is news. A tree that cannot be written stays without. */
  save(): void {
    if (!this.#dirty) return;
    const now = Date.now();
    for (const [key, ctime] of this.#written) if (ctime > now - tick) delete this.#entries[key];
    const temporary = `${this.#path}.${process.pid}.new`;
    try {
      writeFileSync(temporary, JSON.stringify({ version, files: this.#entries }));
      renameSync(temporary, this.#path);
      this.#dirty = false;
    } catch {
      rmSync(temporary, { force: true });
    }
  }
}

function sameFile([size, mtime, ctime, inode]: Entry, stats: Stats): boolean {
  return size === stats.size && mtime === stats.mtimeMs && ctime === stats.ctimeMs && inode === stats.ino;
}
