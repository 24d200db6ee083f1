/** `post`, `put`, `putobjects` and `fastcopy`: bring the committed state to a hub, a device or a directory. */
import { randomBytes } from 'node:crypto';
import { createReadStream, mkdirSync, statSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createProgressBar, Failure } from '@pantavisor/cli';
import { canonicalJson, type JsonNode, readJson } from '@pantavisor/state';
import type { Pvr } from '../context.ts';
import { openDevice } from '../device/connect.ts';
import { refusal } from '../http/failures.ts';
import type { Location, Reference } from '../reference.ts';
import { objectsDirectory, readConfig } from '../repository/config.ts';
import { replaceFile } from '../repository/durable.ts';
import { eachParallel, sha256 } from '../repository/hashing.ts';
import { ObjectPool } from '../repository/objects.ts';
import type { Repository } from '../repository/repository.ts';
import { objectsOf, readStateDocument, type StateDocument, writeStateDocument } from '../repository/values.ts';
import { fetchRemoteInfo, type RemoteInfo } from './remote-info.ts';
import { uploadObjects } from './upload.ts';

export interface PostOptions {
  /** JSON object that the state is put into. */
  envelope?: string | undefined;
  message?: string | undefined;
  /** Number of the revision, -1 for the next one, or the name of a local revision. */
  revision: string;
  force: boolean;
}

export interface Posted {
  /** Number, or name of a local revision. */
  revision: string;
  stateSha: string;
  device: string;
}

/** Keys and ids of all objects of a state. */
export function objectKeys({ values }: StateDocument): [string, string][] {
  return [...values].flatMap(([key, value]) => (value.kind === 'object' ? [[key, value.sha] as [string, string]] : []));
}

/** Posts the committed state as a new revision. */
export async function post(
  pvr: Pvr,
  repository: Repository,
  reference: Reference,
  options: PostOptions,
): Promise<Posted> {
  const { location } = reference;
  if (location.kind === 'path' || location.kind === 'archive')
    throw new Failure('reference-invalid', `cannot post to ${reference.text}: it is a directory or an export`, {
      exitCode: 3,
      hint: "'pvr put' writes to directories, 'pvr export' makes exports",
    });
  const state = repository.readState();
  if (location.kind !== 'remote') return postToDevice(pvr, repository, location, state, options);
  const info = await fetchRemoteInfo(pvr.hub, location.url);
  const present = info['json-get-url'] === '' || options.force ? new Set<string>() : await presentObjects(pvr, info);
  await uploadObjects(pvr, info['objects-endpoint'], objectKeys(state), repository.objects, {
    present,
    force: options.force,
  });
  return postState(pvr, info, state, options);
}

async function presentObjects(pvr: Pvr, info: RemoteInfo): Promise<Set<string>> {
  const text = await pvr.hub.text('get the state of the device', info['json-get-url'], { anonymous: true });
  return new Set(objectsOf(readStateDocument(text, info['json-get-url'])).keys());
}

/** Posts a state to a hub or to the endpoint of a device (pvr §5.4). */
export async function postState(
  pvr: Pvr,
  info: RemoteInfo,
  state: StateDocument,
  options: PostOptions,
): Promise<Posted> {
  if (info['post-url'] === '')
    throw new Failure('remote-invalid', 'cannot post: the remote names no post-url', { exitCode: 3 });
  const body = envelopeText(info['json-key'] || 'post', state, options);
  const answer = await pvr.hub.call(info['post-url'], {
    method: 'POST',
    // As the original sends it: the endpoints of devices in the field know no other type for this call.
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body,
  });
  if (answer.status !== 200) throw await refusal('post the revision', answer);
  const reply = JSON.parse(await answer.text()) as {
    rev?: number;
    revlocal?: string;
    'state-sha'?: string;
    'trail-id'?: string;
  };
  const revision = reply.rev === -1 && reply.revlocal ? reply.revlocal : String(reply.rev ?? reply.revlocal ?? '');
  return { revision, stateSha: reply['state-sha'] ?? '', device: reply['trail-id'] ?? '' };
}

function envelopeText(key: string, state: StateDocument, { envelope = '{}', message, revision }: PostOptions): string {
  const { root, problems } = readJson(envelope);
  if (problems.length > 0 || root?.kind !== 'object')
    throw new Failure(
      'envelope-invalid',
      `cannot use the envelope: ${problems[0]?.message ?? 'it is no JSON object'}`,
      { exitCode: 3 },
    );
  const members = new Map<string, JsonNode>(root.members.map((member) => [member.key, member.value]));
  const add = (name: string, text: string): void => {
    members.set(name, readJson(text).root!);
  };
  if (message !== undefined) add('commit-msg', JSON.stringify(message));
  if (/^-?\d+$/.test(revision)) {
    if (Number(revision) !== 0) add('rev', revision);
  } else add('rev', JSON.stringify(revision));
  add(key, writeStateDocument(state));
  const nowhere = { keyStart: 0, keyEnd: 0, escaped: false };
  return canonicalJson({
    kind: 'object',
    start: 0,
    end: 0,
    members: [...members].map(([name, value]) => ({ key: name, value, ...nowhere })),
  });
}

/** Installs a local revision over the control socket and runs it. */
async function postToDevice(
  pvr: Pvr,
  repository: Repository,
  location: Location & { kind: 'socket' | 'ssh' },
  state: StateDocument,
  { message, revision }: PostOptions,
): Promise<Posted> {
  const pool = repository.objects;
  const text = writeStateDocument(state);
  const stateSha = sha256(text);
  const wanted = /^-?\d+$/.test(revision) ? `pvr-${stateSha.slice(0, 8)}-${randomBytes(3).toString('hex')}` : revision;
  const name = wanted.startsWith('locals/') ? wanted : `locals/${wanted}`;
  const device = await openDevice(pvr, location);
  try {
    const { control } = device;
    const has = new Set((await control.objects()).map(({ sha256: sha }) => sha));
    const missing = [...objectsOf(state)].filter(([sha]) => !has.has(sha));
    const bar = createProgressBar(
      pvr.stderr,
      'Uploading',
      missing.reduce((sum, [sha, key]) => sum + pool.sizeOf(sha, key), 0),
    );
    try {
      await eachParallel(missing, 2, async ([sha, key]) => {
        const path = pool.pathOf(sha);
        const size = statSync(path).size;
        await control.putObject(sha, { size, pieces: createReadStream(path) as AsyncIterable<Uint8Array> });
        bar.add(size);
        pvr.note(`${key.slice(0, 15)} [OK]`);
      });
    } finally {
      bar.end();
    }
    await control.putStep(name, text);
    if (message !== undefined) await control.setStepMessage(name, message);
    await control.command('LOCAL_RUN', name);
    return { revision: name, stateSha, device: location.kind === 'ssh' ? location.host : location.path };
  } finally {
    await device.close();
  }
}

/** Replaces the state behind an address, or writes state and objects to a directory (pvr §4.2, §5.5). */
export async function put(pvr: Pvr, repository: Repository, reference: Reference, force: boolean): Promise<void> {
  const { location } = reference;
  const state = repository.readState();
  if (location.kind === 'remote') {
    const info = await fetchRemoteInfo(pvr.hub, location.url);
    const present = force ? new Set<string>() : await presentObjects(pvr, info);
    await uploadObjects(pvr, info['objects-endpoint'], objectKeys(state), repository.objects, { present, force });
    const answer = await pvr.hub.call(info['json-get-url'], {
      method: 'PUT',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: writeStateDocument(state),
    });
    if (answer.status !== 200) throw await refusal('put the state', answer);
    answer.body.resume();
    return;
  }
  if (location.kind !== 'path')
    throw new Failure('reference-invalid', `cannot put to ${reference.text}: 'pvr post' makes a revision of a device`, {
      exitCode: 3,
    });
  const own = statSync(join(location.path, '.pvr', 'json'), { throwIfNoEntry: false })
    ? join(location.path, '.pvr')
    : location.path;
  const target = new ObjectPool(objectsDirectory(readConfig(join(own, 'config')), location.path, own));
  mkdirSync(target.directory, { recursive: true });
  const pool = repository.objects;
  const missing = [...objectsOf(state)].filter(([sha]) => force || !target.has(sha));
  for (const [sha, key] of missing) pool.sizeOf(sha, key);
  await target.add(missing.map(([sha]) => ({ sha, fill: (path: string) => copyFile(pool.pathOf(sha), path) })));
  replaceFile(join(own, 'json'), writeStateDocument(state));
}
