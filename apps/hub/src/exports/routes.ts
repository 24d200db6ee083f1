import { createGzip, type Gzip } from 'node:zlib';
import { operatorRoutes } from '@pantavisor/hub-api';
import { type Pack, pack } from 'tar-stream';
import { accountPrn } from '../accounts/names.ts';
import { judge } from '../auth/verdict.ts';
import { deviceResource, deviceStore } from '../devices/store.ts';
import { Answer, type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import { canonicalJson, parseExactly } from '../http/json.ts';
import type { Hub } from '../hub.ts';
import { blobOf } from '../objects/service.ts';
import { objectStore, storageIdOf } from '../objects/store.ts';
import { objectsOf } from '../trails/state.ts';
import { type StepRow, trailStore } from '../trails/store.ts';
import { filterParts } from './parts.ts';

interface Entry {
  name: string;
  /** storage id of the blob */
  blob: string;
  size: number;
  modified: number;
}

/** Objects of a filtered state in the order of their names, each content once. */
async function entriesOf(hub: Hub, owner: string, state: Record<string, unknown>): Promise<Entry[]> {
  const { objects } = objectsOf(state);
  const byName = objects.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const rows = await objectStore.findMany(
    hub.db,
    byName.map(({ sha }) => storageIdOf(owner, sha)),
  );
  const entries = new Map<string, Entry>();
  for (const { name, sha } of byName) {
    const row = rows.get(storageIdOf(owner, sha));
    const blob = row === undefined ? undefined : await blobOf(hub.db, row);
    if (row === undefined || blob === undefined)
      throw new Failure('object-missing', `cannot export: the content of '${name}' is not in the hub`);
    if (!entries.has(sha)) entries.set(sha, { name: `objects/${sha}`, blob, size: row.size, modified: row.modified });
  }
  return [...entries.values()];
}

/** Writes the archive; times come from the records, so the same revision gives the same bytes. */
function archive(hub: Hub, step: StepRow, state: Record<string, unknown>, entries: Entry[], owner: string) {
  const tar = pack();
  const fill = async () => {
    const json = Buffer.from(canonicalJson(state));
    tar.entry({ name: 'json', size: json.length, mode: 0o600, mtime: new Date(step.modified) }, json);
    for (const { name, blob, size, modified } of entries) {
      const content = await hub.blobs.get(blob);
      if (content === undefined || content.size !== size)
        throw new Error(`cannot export ${name}: its blob is missing or damaged`);
      hub.bandwidth.add(owner, size);
      const entry = tar.entry({ name, size, mode: 0o644, mtime: new Date(modified) });
      await new Promise<void>((resolve, reject) => {
        entry.on('finish', resolve);
        entry.on('error', reject);
        content.stream.on('error', reject);
        content.stream.pipe(entry);
      });
    }
    tar.finalize();
  };
  fill().catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  return tar;
}

/** An archive that breaks off must not look complete: the error goes on to the zipped stream. */
function zip(tar: Pack): Gzip {
  const gzip = createGzip();
  tar.on('error', (error: Error) => gzip.destroy(error));
  return tar.pipe(gzip);
}

/** Handler of `/exports` (hub-api §14). */
export const exportHandlers: Served[] = [
  serve(operatorRoutes.exports, async ({ hub, params, principal, query }) => {
    const owner = await accountPrn(hub, params.ownernick);
    if (owner === undefined) throw new Failure('not-permitted', `cannot export: there is nobody '${params.ownernick}'`);
    const device = await deviceStore.findByNick(hub.db, owner, params.devicenick);
    const missing = new Failure('not-found', `cannot export: there is no device '${params.devicenick}' to see`);
    if (device === undefined) throw missing;
    const visible =
      principal === undefined ? device.is_public !== 0 : judge(principal, 'read', deviceResource(device)).allowed;
    if (!visible) throw missing;
    const trail = await trailStore.find(hub.db, device.id);
    const rev =
      params.rev === 'latest' ? (trail?.last_rev ?? -1) : /^\d{1,9}$/.test(params.rev) ? Number(params.rev) : -1;
    const step = await trailStore.step(hub.db, device.id, rev);
    if (step === undefined) throw new Failure('not-found', `cannot export: there is no revision '${params.rev}'`);
    const state = filterParts(parseExactly(step.state) as Record<string, unknown>, query.parts ?? '');
    const tar = archive(hub, step, state, await entriesOf(hub, step.owner, state), step.owner);
    const zipped = /\.(gz|tgz)$/i.test(params.filename);
    return new Answer(200, zipped ? zip(tar) : tar, {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename=${params.filename.replaceAll(/[^\w.+-]/g, '_')}`,
      pragma: 'no-cache',
      expires: '0',
    });
  }),
];
