/** Makes the working tree what the committed state says. */
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from '@pantavisor/cli';
import { eachParallel, sha256 } from './hashing.ts';
import type { Repository } from './repository.ts';
import { StatCache } from './stat-cache.ts';
import { checkKey, prettyText } from './values.ts';

export interface CheckoutOptions {
  /** Link objects instead of copying them, read-only; inline files are canonical then. */
  hardlink?: boolean;
  /** Write inline files in canonical form. */
  canonical?: boolean;
}

const parallel = 6;

/**
 * Writes every file of the state over the working tree; other files stay. Each file appears whole, checked against its
 * SHA-256. Files that are right already, as far as the cache can say, are not written again. What was added is forgotten.
 *
 * No file is written through a link: a state must not reach out of the tree.
 * @returns keys that were written
 */
export function checkout(repository: Repository, options: CheckoutOptions = {}): Promise<string[]> {
  return repository.change(async () => {
    const { values } = repository.readState();
    const pool = repository.objects;
    for (const [key, value] of values) {
      checkKey(key);
      if (value.kind === 'inline' && !key.endsWith('.json'))
        throw new Failure(
          'value-not-file',
          `cannot write ${key}: its value is neither an object nor the JSON of a .json file`,
        );
      if (value.kind === 'object') pool.sizeOf(value.sha, key);
    }
    const cache = new StatCache(repository.own('stat-cache'));
    const safe = new Set([repository.root]);
    const written: string[] = [];
    await eachParallel(values, parallel, async ([key, value]) => {
      const path = `${repository.root}/${key}`;
      makeDirectory(repository.root, dirname(path), safe);
      const text = value.kind === 'inline' ? inlineText(value, options) : undefined;
      const sha = value.kind === 'object' ? value.sha : sha256(text!);
      const there = lstatSync(path, { throwIfNoEntry: false });
      if (there && !options.hardlink && isThere(path, key, sha, there, cache)) return;
      if (there?.isDirectory()) throw inTheWay(key);
      if (text !== undefined) writeWhole(path, text);
      else if (options.hardlink) {
        await pool.linkTo(sha, path, key);
        await chmod(path, 0o444);
      } else await pool.copyTo(sha, path, key);
      written.push(key);
      const inline = value.kind === 'inline' ? { inline: value.text } : {};
      cache.remember(key, lstatSync(path), { sha, ...inline }, true);
    });
    rmSync(repository.own('new'), { force: true });
    cache.save();
    return written.sort();
  });
}

function inlineText(value: { text: string }, { hardlink, canonical }: CheckoutOptions): string {
  return hardlink || canonical ? value.text : prettyText(value.text, '    ', true);
}

/** The file has this content already. A link to a file with the right content stays a link. */
function isThere(path: string, key: string, sha: string, there: Stats, cache: StatCache): boolean {
  const stats = there.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : there;
  if (!stats?.isFile()) return false;
  const known = cache.find(key, stats);
  if (known) return known.sha === sha;
  return stats.size <= 65_536 && sha256(readFileSync(path)) === sha;
}

function makeDirectory(root: string, directory: string, safe: Set<string>): void {
  if (safe.has(directory)) return;
  makeDirectory(root, dirname(directory), safe);
  const stats = lstatSync(directory, { throwIfNoEntry: false });
  if (!stats) mkdirSync(directory);
  else if (!stats.isDirectory())
    throw new Failure(
      'not-a-directory',
      `cannot write below ${directory}: it is ${stats.isSymbolicLink() ? 'a link' : 'a file'}`,
      {
        hint: 'move it out of the way',
      },
    );
  safe.add(directory);
}

function inTheWay(key: string): Failure {
  return new Failure('is-a-directory', `cannot write the file ${key}: a directory is in its place`, {
    hint: 'move it out of the way',
  });
}

function writeWhole(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.new`;
  try {
    writeFileSync(temporary, text, { mode: 0o644 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
