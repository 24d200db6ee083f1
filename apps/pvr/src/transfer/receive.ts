/** `get`, `merge` and `clone`: bring a state and its objects into a repository. */
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import type { Reference } from '../reference.ts';
import { checkout } from '../repository/checkout.ts';
import type { RepositoryConfig } from '../repository/config.ts';
import { replaceFile } from '../repository/durable.ts';
import type { ObjectPool } from '../repository/objects.ts';
import { Repository } from '../repository/repository.ts';
import { checkKey, objectsOf, type StateDocument, writeStateDocument } from '../repository/values.ts';
import { mergeParts, replaceParts } from './combine.ts';
import { openSource, type Source } from './source.ts';

export interface Received {
  /** Objects that had to be fetched, and those that were there. */
  fetched: number;
  known: number;
  keys: number;
}

/**
 * Replaces (`get`) or merges (`merge`) parts of the committed state. The working tree is not touched. Nothing changes
 * unless every object has arrived whole.
 */
export async function receive(
  pvr: Pvr,
  repository: Repository,
  reference: Reference,
  how: 'get' | 'merge',
): Promise<Received> {
  const pool = repository.objects;
  const source = await openSource(pvr, reference.location, pool);
  try {
    return await repository.change(async () => {
      const combine = how === 'get' ? replaceParts : mergeParts;
      const state = combine(repository.readState(), source.state, reference.fragment);
      const received = await fetchMissing(pvr, source, state, pool);
      repository.writeState(state);
      const { config } = repository;
      const change: Partial<RepositoryConfig> = { DefaultGetUrl: reference.text };
      if (isDevice(reference)) {
        // What the device has now is what 'pvr check' compares with; other devices only lend their parts.
        const isOwn = config.DefaultPostUrl === '' || sameBase(config.DefaultPostUrl, reference.text);
        if (isOwn && reference.fragment.parts.length === 0)
          replaceFile(repository.own('device-state'), writeStateDocument(source.state));
        if (config.DefaultPutUrl === '') change.DefaultPutUrl = reference.text;
        if (config.DefaultPostUrl === '') change.DefaultPostUrl = reference.text;
      }
      repository.setConfig(change);
      return received;
    });
  } finally {
    await source.close();
  }
}

/** Something that takes posts, other than a directory or an export. */
function isDevice({ location: { kind } }: Reference): boolean {
  return kind !== 'path' && kind !== 'archive';
}

const sameBase = (a: string, b: string): boolean => a.split('#')[0] === b.split('#')[0];

/** Fetches the objects of a state that the pool lacks or has damaged, of those that the source knows. */
export async function fetchMissing(
  pvr: Pvr,
  source: Source,
  state: StateDocument,
  pool: ObjectPool,
): Promise<Received> {
  for (const key of state.values.keys()) checkKey(key);
  const theirs = objectsOf(source.state);
  const missing = new Map<string, string>();
  let known = 0;
  for (const [sha, key] of objectsOf(state)) {
    if (await pool.isIntact(sha)) {
      known += 1;
      pvr.note(`${key.slice(0, 15)} [OK cache]`);
    } else if (theirs.has(sha)) missing.set(sha, key);
  }
  await source.fetch(missing, pool);
  for (const key of missing.values()) pvr.note(`${key.slice(0, 15)} [OK]`);
  return { fetched: missing.size, known, keys: state.values.size };
}

/**
 * Makes a repository from a reference and checks it out. It is made beside its place and appears when it is complete.
 * @param options `objectsDir` as for `init`
 */
export async function clone(
  pvr: Pvr,
  reference: Reference,
  target: string,
  options: { objectsDir: string; spec: string; canonical: boolean },
): Promise<Received> {
  if (existsSync(target))
    throw new Failure('target-exists', `cannot clone to ${target}: it exists already`, {
      exitCode: 3,
      hint: 'name another directory',
    });
  const temporary = mkdtempSync(join(dirname(target), `.${basename(target)}.pvr-clone-`));
  try {
    const repository = Repository.init(temporary, options.spec, options.objectsDir);
    const received = await receive(pvr, repository, reference, 'get');
    await checkout(repository, { canonical: options.canonical });
    renameSync(temporary, target);
    return received;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
