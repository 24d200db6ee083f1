/** What the working tree holds, compared with the committed state. Files that are as they were are not read. */
import { readFileSync } from 'node:fs';
import { Failure } from '@pantavisor/cli';
import { canonicalJson, readJson } from '@pantavisor/state';
import { hashFiles, sha256 } from './hashing.ts';
import { readIgnoreTest } from './ignored.ts';
import { holdsNull, withoutNulls } from './patch.ts';
import type { Repository } from './repository.ts';
import type { Staged } from './staged.ts';
import { type Content, StatCache } from './stat-cache.ts';
import { defaultSpec, isSha, type StateDocument, sameValue, type Value } from './values.ts';
import { type Tree, type TreeFile, walkTree } from './walk.ts';

export type ChangeKind = 'added' | 'removed' | 'changed' | 'untracked';

export interface Snapshot {
  pristine: StateDocument;
  staged: Staged;
  /** Committed and added files as they are now. */
  working: StateDocument;
  tree: Tree;
  /** Files and directories that `.pvrignore` leaves out of the tree. */
  ignored: string[];
  changes: Record<ChangeKind, string[]>;
  /** Inline files with nulls, which a state cannot hold. */
  nulls: string[];
  cache: StatCache;
}

/** A `.json` file is inlined unless it was added raw or is committed as an object (pvr §1.2). */
export function isInline(key: string, pristine: Value | undefined, forceObject: boolean): boolean {
  return key.endsWith('.json') && pristine?.kind !== 'object' && !forceObject;
}

/**
 * Looks at the working tree.
 * @throws Failure `json-invalid` for an inline file that is no JSON
 */
export async function takeSnapshot(repository: Repository): Promise<Snapshot> {
  const pristine = repository.readState();
  const staged = repository.readStaged();
  const known = [...pristine.values.keys(), ...staged.keys()];
  const tracksBootLinks = known.some((key) => key.startsWith('.pv/'));
  const isIgnored = await readIgnoreTest(repository.root, known);
  const ignored: string[] = [];
  const tree = walkTree(repository.root, (key, directory) => {
    if (key === '.pvr' || (key === '.pv' && !tracksBootLinks)) return true;
    const leaveOut = isIgnored?.(key, directory) === true;
    if (leaveOut) ignored.push(key);
    return leaveOut;
  });
  const cache = new StatCache(repository.own('stat-cache'));

  const changes: Snapshot['changes'] = { added: [], removed: [], changed: [], untracked: [] };
  const tracked: TreeFile[] = [];
  for (const [key, file] of tree.files) {
    if (!pristine.values.has(key) && !staged.has(key)) changes.untracked.push(key);
    else if (file.isThere()) tracked.push(file);
    // Gone since it was listed: it is as if it had never been there.
    else tree.files.delete(key);
  }
  for (const key of pristine.values.keys()) {
    if (tree.files.has(key)) continue;
    const obstacle = tree.obstacles.find((found) => found.key === key);
    if (obstacle) throw new Failure('not-a-file', `cannot read the committed file ${key}: ${obstacle.reason}`);
    changes.removed.push(key);
  }

  const inline = (key: string): boolean =>
    isInline(key, pristine.values.get(key), staged.get(key)?.ForceObject === true);
  const contents = await readContents(tracked, inline, cache);

  const working: StateDocument = { spec: pristine.spec === '' ? defaultSpec : pristine.spec, values: new Map() };
  const nulls: string[] = [];
  for (const file of tracked) {
    const { key } = file;
    const old = pristine.values.get(key);
    const content = contents.get(key)!;
    const value = inline(key) ? inlineValue(file, old, content) : ({ kind: 'object', sha: content.sha } as const);
    if (content.nulls && value.kind === 'inline') nulls.push(key);
    working.values.set(key, value);
    if (!old) changes.added.push(key);
    else if (!sameValue(old, value)) changes.changed.push(key);
  }
  cache.keepOnly(tree.files);
  cache.save();
  return { pristine, staged, working, tree, ignored, changes, nulls, cache };
}

/** The content of each file, from the cache where it can say, by reading where not. */
export async function readContents(
  files: readonly TreeFile[],
  inline: (key: string) => boolean,
  cache: StatCache,
): Promise<Map<string, Content>> {
  const contents = new Map<string, Content>();
  const toHash: { path: string; size: number; file: TreeFile }[] = [];
  for (const file of files) {
    const known = cache.find(file.key, file.stats);
    const asInline = inline(file.key);
    if (known && (!asInline || known.inline !== undefined)) contents.set(file.key, known);
    else if (asInline) {
      const content = readInline(file).content;
      contents.set(file.key, content);
      cache.remember(file.key, file.stats, content);
    } else toHash.push({ path: file.path, size: file.stats.size, file });
  }
  await hashFiles(toHash, ({ file }, sha) => {
    contents.set(file.key, { sha });
    cache.remember(file.key, file.stats, { sha });
  });
  return contents;
}

function inlineValue(file: TreeFile, old: Value | undefined, { inline = '', nulls }: Content): Value {
  // Nulls that came with the state itself, e.g. from a hub, are not ours to remove.
  if (nulls && old?.kind === 'inline' && old.text === readInline(file).raw) return old;
  return { kind: 'inline', text: inline };
}

/** @returns what is remembered of an inline file, and its canonical JSON with all nulls */
function readInline({ key, path }: TreeFile): { content: Content; raw: string } {
  const source = readFileSync(path, 'utf8');
  const { root, problems } = readJson(source);
  const [problem] = problems;
  if (problem || !root) {
    const line = source.slice(0, problem?.offset ?? 0).split('\n').length;
    throw new Failure(
      'json-invalid',
      `cannot read ${key} as JSON, line ${line}: ${problem?.message ?? 'it is empty'}`,
      {
        hint: `correct the file, or keep its bytes as they are with 'pvr add --raw ${key}'`,
        exitCode: 3,
      },
    );
  }
  if (root.kind === 'string' && isSha(root.value))
    throw new Failure('json-looks-like-object', `cannot inline ${key}: its text looks like the id of an object`, {
      hint: `add it with 'pvr add --raw ${key}'`,
      exitCode: 3,
    });
  const raw = canonicalJson(root);
  const nulls = holdsNull(root);
  const inline = nulls ? canonicalJson(withoutNulls(root)) : raw;
  return { content: { sha: sha256(source), inline, ...(nulls ? { nulls: true } : {}) }, raw };
}
