/** Makes the working tree the committed state. */
import { chmodSync, constants, rmSync, statSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import { replaceFile } from './durable.ts';
import type { Incoming } from './objects.ts';
import type { Repository } from './repository.ts';
import type { Value } from './values.ts';
import type { TreeFile } from './walk.ts';
import { type Snapshot, takeSnapshot } from './working-tree.ts';

export interface CommitOutcome {
  /** What happened to each key, in the order of the keys. */
  changes: { key: string; path: string; change: 'added' | 'changed' | 'removed'; value?: Value }[];
  /** Inline files whose nulls were left out. */
  nulls: string[];
}

/**
 * Commits all changes of files that are committed or added. The objects come first and the state last, in one rename: a cut
 * leaves the old state or the new one.
 */
export function commit(repository: Repository, message: string): Promise<CommitOutcome> {
  return repository.change(async () => {
    const snapshot = await takeSnapshot(repository);
    const { changes, working, tree } = snapshot;
    await repository.objects.add(incomingObjects(repository, snapshot));
    repository.writeState(working);
    rmSync(repository.own('new'), { force: true });
    replaceFile(repository.own('commitmsg'), message);
    const all = [
      ...changes.changed.map((key) => ({ key, change: 'changed' as const })),
      ...changes.added.map((key) => ({ key, change: 'added' as const })),
      ...changes.removed.map((key) => ({ key, change: 'removed' as const })),
    ];
    return {
      nulls: snapshot.nulls,
      changes: all
        .map(({ key, change }) => {
          const value = working.values.get(key);
          const path = tree.files.get(key)?.path ?? join(repository.root, key);
          return { key, path, change, ...(value ? { value } : {}) };
        })
        .sort((a, b) => (a.key < b.key ? -1 : 1)),
    };
  });
}

/** Objects that the pool lacks. Those of unchanged files count too: somebody may have emptied the pool. */
function* incomingObjects(repository: Repository, { working, tree, cache }: Snapshot): Generator<Incoming> {
  const pool = repository.objects;
  const seen = new Set<string>();
  for (const [key, value] of working.values) {
    if (value.kind !== 'object' || seen.has(value.sha)) continue;
    seen.add(value.sha);
    const file = tree.files.get(key)!;
    if (pool.hasOfSize(value.sha, file.stats.size)) continue;
    const { sha } = value;
    // A file of the moment at which it was looked at may have changed since without its times telling.
    yield { sha, proven: !cache.isRacy(file.stats), fill: (path) => copyUnchanged(file, path) };
  }
}

/** The hash is that of the file as it was when it was looked at; a file that changes meanwhile must not be taken for it. */
async function copyUnchanged({ key, path, stats }: TreeFile, target: string): Promise<void> {
  await copyFile(path, target, constants.COPYFILE_FICLONE);
  const now = statSync(path);
  if (now.size !== stats.size || now.mtimeMs !== stats.mtimeMs || now.ctimeMs !== stats.ctimeMs) throw changing(key);
  if ((stats.mode & 0o777) !== 0o644) chmodSync(target, 0o644);
}

function changing(key: string): Failure {
  return new Failure('file-changing', `cannot commit ${key}: it changed while it was read`, {
    hint: 'commit again when nothing writes it any more',
  });
}

/** Writes and adds `checkpoint.json`, which forces a revision to differ from the one before (pvr §2.1). */
export async function writeCheckpoint(repository: Repository, now: Date): Promise<void> {
  const path = join(repository.root, 'checkpoint.json');
  writeFileSync(path, JSON.stringify({ major: localTime(now) }), { mode: 0o640 });
  await repository.change(async () => {
    const staged = repository.readStaged();
    staged.set('checkpoint.json', { ForceObject: false, Sha: '' });
    repository.writeStaged(staged);
  });
}

/** RFC 3339 with the offset of the local time zone. */
function localTime(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const two = (value: number): string => String(Math.trunc(Math.abs(value))).padStart(2, '0');
  const zone = offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(offset / 60)}:${two(offset % 60)}`;
  return new Date(date.getTime() + offset * 60_000).toISOString().replace(/\.\d+Z$/, zone);
}
