/** dm-verity: hash trees beside the images of a container, and the manifests that name their roots (pvr §9). */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import { canonicalValue } from '@pantavisor/state';
import { readSourceManifest, writeSourceManifest } from '../apps/manifest.ts';
import { sha256File } from '../repository/hashing.ts';
import type { Repository } from '../repository/repository.ts';
import { checkKey } from '../repository/values.ts';

interface VerityManifest {
  type: 'dm-verity';
  data_device: string;
  hash_device: string;
  root_hash: string;
  salt: string;
  uuid: string;
}

/** Makes a hash tree. With a salt and an id of before, the same image gives the same tree. */
function format(directory: string, volume: string, before?: Pick<VerityManifest, 'salt' | 'uuid'>): VerityManifest {
  const hashFile = `${volume}.hash`;
  const temporary = `${hashFile}.new`;
  rmSync(join(directory, temporary), { force: true });
  const fixed = before ? ['--salt', before.salt, '--uuid', before.uuid] : [];
  const { status, stdout, stderr, error } = spawnSync('veritysetup', ['format', ...fixed, volume, temporary], {
    cwd: directory,
    encoding: 'utf8',
  });
  const field = (name: string): string | undefined => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(stdout ?? '')?.[1];
  const [uuid, salt, root] = [field('UUID'), field('Salt'), field('Root hash')];
  if (error || status !== 0 || uuid === undefined || salt === undefined || root === undefined)
    throw new Failure(
      'verity-failed',
      `cannot make the hash tree of ${join(directory, volume)}: ${error?.message ?? stderr.trim()}`,
      {
        exitCode: 3,
        ...(error ? { hint: 'install cryptsetup, which has veritysetup' } : {}),
      },
    );
  chmodSync(join(directory, temporary), 0o600);
  renameSync(join(directory, temporary), join(directory, hashFile));
  return { type: 'dm-verity', data_device: volume, hash_device: hashFile, root_hash: root, salt, uuid };
}

/**
 * Converts a volume of a container.
 * @returns paths that were written
 */
export async function convertToVerity(repository: Repository, container: string, volume: string): Promise<string[]> {
  checkKey(`${container}/${volume}`);
  const directory = join(repository.root, container);
  if (!existsSync(join(directory, volume)))
    throw new Failure('volume-missing', `cannot convert ${container}/${volume}: there is no such file`, {
      exitCode: 3,
    });
  const key = `${container}/_dm/${volume}.json`;
  mkdirSync(join(directory, '_dm'), { recursive: true });
  writeFileSync(join(repository.root, key), canonicalValue(format(directory, volume)));
  const written = [key, `${container}/${volume}.hash`, ...useInRun(repository.root, container, volume)];
  await stage(repository, [key, `${container}/${volume}.hash`]);
  if (existsSync(join(directory, 'src.json'))) {
    const manifest = readSourceManifest(repository.root, container);
    writeSourceManifest(repository.root, container, {
      ...manifest,
      dm_enabled: { ...manifest.dm_enabled, [volume]: true },
    });
    written.push(`${container}/src.json`);
  }
  return written;
}

/** Lets run.json name the volume through the verity handler. */
function useInRun(root: string, container: string, volume: string): string[] {
  const path = join(root, container, 'run.json');
  if (!existsSync(path)) return [];
  const run = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const single = ['modules', 'firmware', 'root-volume'].find((member) => run[member] === volume);
  if (single !== undefined) run[single] = `dm:${volume}`;
  else if (Array.isArray(run.volumes))
    run.volumes = run.volumes.map((item) => (item === volume ? `dm:${volume}` : item));
  writeFileSync(path, canonicalValue(run));
  return [`${container}/run.json`];
}

/** Makes the hash trees again whose manifests have this prefix, with salt and id as they were. @returns written keys */
export async function applyVerity(repository: Repository, prefix: string): Promise<string[]> {
  const keys = [...repository.readState().values.keys(), ...repository.readStaged().keys()];
  const written: string[] = [];
  for (const key of new Set(keys)) {
    const match = /^(.+)\/_dm\/([^/]+)\.json$/.exec(key);
    if (!match || !key.startsWith(prefix)) continue;
    const [, container = '', volume = ''] = match;
    const path = join(repository.root, key);
    if (!existsSync(path)) continue;
    const before = JSON.parse(readFileSync(path, 'utf8')) as VerityManifest;
    writeFileSync(path, canonicalValue(format(join(repository.root, container), volume, before)));
    written.push(key, `${container}/${volume}.hash`);
  }
  await stage(repository, written);
  return written;
}

async function stage(repository: Repository, keys: readonly string[]): Promise<void> {
  await repository.change(async () => {
    const staged = repository.readStaged();
    for (const key of keys) {
      const path = join(repository.root, key);
      staged.set(key, { ForceObject: false, Sha: await sha256File(path, statSync(path).size) });
    }
    repository.writeStaged(staged);
  });
}
