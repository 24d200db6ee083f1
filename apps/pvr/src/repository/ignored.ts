/** `.pvrignore`: files of a working tree that are nobody's business. An extension: the original ignores nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name of the file, at the root of the repository. It is never part of a state unless it is committed already. */
export const ignoreFile = '.pvrignore';

/** Whether a file, or a directory with all that lies below it, is left out. */
export type IgnoreTest = (key: string, directory: boolean) => boolean;

/**
 * Reads the patterns (gitignore(5)) of a repository.
 * @param tracked keys that are committed or added: they stay, whatever the patterns say
 * @returns undefined when there is no file
 */
export async function readIgnoreTest(root: string, tracked: Iterable<string>): Promise<IgnoreTest | undefined> {
  let patterns: string;
  try {
    patterns = readFileSync(join(root, ignoreFile), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { default: ignore } = await import('ignore');
  const matcher = ignore().add(patterns).add(`/${ignoreFile}`);
  const kept = new Set<string>();
  for (const key of tracked)
    for (let end = key.length; end > 0; end = key.lastIndexOf('/', end - 1)) kept.add(key.slice(0, end));
  return (key, directory) => !kept.has(key) && matcher.ignores(directory ? `${key}/` : key);
}
