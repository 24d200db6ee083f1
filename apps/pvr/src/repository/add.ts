/** Puts files under the care of a repository. */
import { relative, resolve, sep } from 'node:path';
import { Failure } from '@pantavisor/cli';
import { globPattern } from './glob.ts';
import { ignoreFile } from './ignored.ts';
import type { Repository } from './repository.ts';
import { checkKey, isSha } from './values.ts';
import { readContents, takeSnapshot } from './working-tree.ts';

export interface AddOutcome {
  added: string[];
  /** What a person should know: links, empty directories, patterns without a match. */
  notes: string[];
}

/**
 * Adds files: all of them, those below a directory, or those whose path matches a shell glob (`*` does not cross a slash).
 * @param words as given; relative ones are taken from `directory`. None means everything.
 * @param raw keep `.json` files as objects
 */
export async function addFiles(
  repository: Repository,
  words: readonly string[],
  options: { raw: boolean; directory: string },
): Promise<AddOutcome> {
  const snapshot = await takeSnapshot(repository);
  const { tree, ignored, staged, pristine, cache } = snapshot;
  const notes: string[] = [];
  const patterns = (words.length === 0 ? [repository.root] : words).map((word) => {
    const key = relative(repository.root, resolve(options.directory, word)).split(sep).join('/');
    if (key === '..' || key.startsWith('../'))
      throw new Failure('outside', `cannot add ${word}: it lies outside of the repository ${repository.root}`);
    return { word, key, matches: globPattern(key) };
  });
  const selects = ({ key: wanted, matches }: (typeof patterns)[number], key: string): boolean =>
    wanted === '' || key === wanted || key.startsWith(`${wanted}/`) || matches(key);

  const chosen = [...tree.files.values()].filter(
    (file) => patterns.some((pattern) => selects(pattern, file.key)) && file.isThere(),
  );
  for (const pattern of patterns) {
    const named = (key: string): boolean => selects(pattern, key);
    for (const { key, reason } of tree.obstacles.filter(({ key }) => named(key)))
      notes.push(`${key} is not added: ${reason}, and a state holds only files`);
    for (const key of tree.empty.filter(named))
      notes.push(`${key} is not added: the directory is empty, and a state holds only files`);
    const cause = ignored.find((key) => pattern.key === key || pattern.key.startsWith(`${key}/`));
    if (cause !== undefined) notes.push(`${pattern.word} is not added: ${ignoreFile} leaves out ${cause}`);
    else if (pattern.key !== '' && !chosen.some(({ key }) => named(key)) && !tree.empty.some(named))
      notes.push(`${pattern.word} matches no file`);
  }
  for (const { key, link } of chosen) {
    checkKey(key);
    if (link) notes.push(`${key} is a link: the content of its target is added`);
  }

  // Files that are known and not to be changed in kind need no reading; the snapshot did that.
  const news = chosen.filter(({ key }) => !pristine.values.has(key) || options.raw);
  const contents = await readContents(news, (key) => !options.raw && key.endsWith('.json') && !isRaw(key), cache);
  function isRaw(key: string): boolean {
    return staged.get(key)?.ForceObject === true || pristine.values.get(key)?.kind === 'object';
  }
  for (const { key } of news) staged.set(key, { ForceObject: options.raw || isRaw(key), Sha: contents.get(key)!.sha });
  for (const { key } of chosen) {
    if (contents.has(key)) continue;
    const value = snapshot.working.values.get(key);
    if (value && !staged.has(key)) staged.set(key, { ForceObject: false, Sha: contentSha(value) });
  }
  cache.save();
  await repository.change(async () => repository.writeStaged(staged));
  return { added: chosen.map(({ key }) => key).sort(), notes };
}

function contentSha(value: { kind: string; sha?: string }): string {
  return value.sha !== undefined && isSha(value.sha) ? value.sha : '';
}
