/** Anything that a state can be fetched from: a repository, an export, a hub, a device. */
import { createWriteStream, existsSync, readFileSync, statSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createProgressBar, Failure } from '@pantavisor/cli';
import { readExport } from '../archive/import.ts';
import type { Pvr } from '../context.ts';
import { openDevice } from '../device/connect.ts';
import { withoutSecrets } from '../http/client.ts';
import { download, type Get } from '../http/download.ts';
import type { Location } from '../reference.ts';
import { objectsDirectory, readConfig } from '../repository/config.ts';
import { eachParallel } from '../repository/hashing.ts';
import { ObjectPool } from '../repository/objects.ts';
import { readStateDocument, type StateDocument } from '../repository/values.ts';
import { fetchRemoteInfo, type RemoteInfo } from './remote-info.ts';

export interface Source {
  state: StateDocument;
  /** Present when the source speaks the transfer protocol. */
  info?: RemoteInfo;
  /**
   * Brings objects into a pool, each checked against its SHA-256.
   * @param wanted id to key; those that the pool has are left out by the caller
   */
  fetch(wanted: ReadonlyMap<string, string>, pool: ObjectPool): Promise<void>;
  close(): Promise<void>;
}

const parallel = 4;

/** @param pool where the objects of an export go, which are read in one pass */
export async function openSource(pvr: Pvr, location: Location, pool: ObjectPool): Promise<Source> {
  switch (location.kind) {
    case 'remote':
      return openRemote(pvr, location.url);
    case 'path':
      return openPath(location.path, pool);
    case 'archive':
      return openArchive(pvr, location.url, pool);
    default:
      return openDeviceSource(pvr, location);
  }
}

async function openRemote(pvr: Pvr, url: string): Promise<Source> {
  const { hub } = pvr;
  const info = await fetchRemoteInfo(hub, url);
  const text = await hub.text(`get the state of ${url}`, info['json-get-url'], { anonymous: true });
  const state = readStateDocument(text, info['json-get-url']);
  const fetch: Source['fetch'] = async (wanted, pool) => {
    const endpoint = info['objects-endpoint'].replace(/\/+$/, '');
    // The addresses first: they say how much is to come.
    const objects: { sha: string; key: string; url: string; size: number }[] = [];
    await eachParallel(wanted, parallel, async ([sha, key]) => {
      const object = await hub.json<{ 'signed-geturl'?: string; size?: string | number }>(
        `find the object ${sha} of ${key}`,
        `${endpoint}/${sha}`,
        { anonymous: true },
      );
      const address = object['signed-geturl'];
      if (!address)
        throw new Failure('remote-invalid', `cannot get the object ${sha} of ${key}: the hub names no address`, {
          exitCode: 3,
        });
      objects.push({ sha, key, url: address, size: Number(object.size ?? 0) || 0 });
    });
    const total = objects.reduce((sum, { size }) => sum + size, 0);
    const bar = createProgressBar(pvr.stderr, 'Downloading', total);
    try {
      await pool.add(
        objects.map(({ sha, key, url }) => ({
          sha,
          fill: (path: string) => download(getter(pvr, url), `the object of ${key}`, path, bar.add),
        })),
      );
    } finally {
      bar.end();
    }
  };
  return { state, info, fetch, close: async () => {} };
}

async function openPath(path: string, pool: ObjectPool): Promise<Source> {
  if (statSync(path).isFile()) {
    await mkdir(pool.directory, { recursive: true });
    const { state } = await readExport(path, pool);
    // The objects came with the reading; what is still missing is not in the archive.
    return {
      state,
      fetch: async (wanted) => {
        const [missing] = wanted;
        if (missing)
          throw new Failure('object-missing', `cannot find the object ${missing[0]} of ${missing[1]} in ${path}`, {
            exitCode: 3,
          });
      },
      close: async () => {},
    };
  }
  const own = existsSync(join(path, '.pvr', 'json')) ? join(path, '.pvr') : path;
  const file = join(own, 'json');
  if (!existsSync(file))
    throw new Failure('no-repository', `cannot use ${path}: it is neither a repository nor an export`, { exitCode: 3 });
  const state = readStateDocument(readFileSync(file, 'utf8'), file);
  const source = new ObjectPool(objectsDirectory(readConfig(join(own, 'config')), dirname(own), own));
  return {
    state,
    fetch: async (wanted, target) => {
      for (const [sha, key] of wanted) source.sizeOf(sha, key);
      await target.add(
        [...wanted.keys()].map((sha) => ({ sha, fill: (to: string) => copyFile(source.pathOf(sha), to) })),
      );
    },
    close: async () => {},
  };
}

const getter =
  (pvr: Pvr, url: string): Get =>
  (headers) =>
    pvr.http.call(url, { headers });

/** An export behind an address, such as a release that a build has published. */
async function openArchive(pvr: Pvr, url: string, pool: ObjectPool): Promise<Source> {
  const scratch = await mkdtemp(join(tmpdir(), 'pvr-archive-'));
  const path = join(scratch, 'export');
  // How large it is, nobody says before.
  const bar = createProgressBar(pvr.stderr, 'Downloading', 0);
  try {
    await download(getter(pvr, url), withoutSecrets(url), path, bar.add);
    return await openPath(path, pool);
  } catch (error) {
    if (error instanceof Failure && error.code === 'archive-invalid')
      throw new Failure(error.code, error.message.replace(path, withoutSecrets(url)), { cause: error, exitCode: 3 });
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function openDeviceSource(pvr: Pvr, location: Location & { kind: 'socket' | 'ssh' }): Promise<Source> {
  const device = await openDevice(pvr, location);
  try {
    const state = readStateDocument(await device.control.step('current'), 'the running revision of the device');
    return {
      state,
      fetch: async (wanted, pool) => {
        await pool.add(
          [...wanted.keys()].map((sha) => ({
            sha,
            fill: async (path: string) => pipeline(await device.control.getObject(sha), createWriteStream(path)),
          })),
        );
      },
      close: () => device.close(),
    };
  } catch (error) {
    await device.close();
    throw error;
  }
}
