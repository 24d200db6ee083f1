/**
 * Where objects are written before they get their names: directories inside of the pool, since a rename needs one file system.
 * Several of them, because a file system lets one file at a time into a directory.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isAlive } from './lock.ts';

const name = '.new';
const directories = 4;
/** Milliseconds after which what a process left behind is taken away; the pool may be shared with other machines. */
const staleAfter = 3_600_000;

/** Makes scratch directories of this process, and removes those that killed processes left behind. */
export function makeScratch(pool: string): string[] {
  const parent = join(pool, name);
  removeStale(parent);
  const own = makeOwn(parent);
  return Array.from({ length: directories }, (_, index) => {
    const path = join(own, String(index));
    mkdirSync(path);
    return path;
  });
}

function makeOwn(parent: string): string {
  for (let attempt = 1; ; attempt += 1) {
    mkdirSync(parent, { recursive: true });
    try {
      return mkdtempSync(join(parent, `${process.pid}-`));
    } catch (error) {
      // Another process was done with it just now.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 3) throw error;
    }
  }
}

export function removeScratch(pool: string, [first = '']: readonly string[]): void {
  rmSync(dirname(first), { recursive: true, force: true });
  try {
    rmdirSync(join(pool, name));
  } catch {
    // Another process uses it.
  }
}

function removeStale(directory: string): void {
  let entries: string[];
  try {
    entries = readdirSync(directory);
  } catch {
    return;
  }
  for (const entry of entries) {
    const path = join(directory, entry);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats && !isAlive(Number.parseInt(entry, 10)) && Date.now() - stats.mtimeMs > staleAfter)
      rmSync(path, { recursive: true, force: true });
  }
}
