import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { blobRoutes, objectRoutes } from '@pantavisor/hub-api';
import { VerifiedContent } from '../blobs/verify.ts';
import { Answer, type Call, type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import { boundedPageOf } from '../http/paging.ts';
import type { Hub } from '../hub.ts';
import { limitsOf } from '../plans/plans.ts';
import { parseRange } from './range.ts';
import { announce, forget, ownRecord, rename } from './service.ts';
import { onlyProof, openSigned, type SignedAccess, withAccess } from './signed.ts';
import { objectStore, wireObject } from './store.ts';

const objectType = 'pantahub-object-type';

function demandOwner({ caller }: Pick<Call, 'caller'>): string {
  if (caller.anonymous || caller.owner === '')
    throw new Failure('not-permitted', 'cannot own objects: log in, or claim the device first');
  return caller.owner;
}

/** Handlers of `/objects` and of signed addresses (hub-api §7). */
export const objectHandlers: Served[] = [
  serve(objectRoutes.create, async ({ hub, caller, body, query, base }) => {
    const { row, exists, kind } = await announce(hub, demandOwner({ caller }), body, query.autolink !== 'no');
    const answer = await withAccess(hub, row, { base, upload: true, mount: 'objects' });
    return new Answer(exists ? 409 : 200, answer, { [objectType]: kind });
  }),
  serve(objectRoutes.list, async ({ hub, caller, query }) => {
    const wanted = boundedPageOf(query);
    const { total, page } =
      caller.owner === '' ? { total: 0, page: [] } : await objectStore.list(hub.db, caller.owner, wanted);
    return new Answer(
      200,
      page.map((row) => wireObject(row)),
      { 'x-total-count': String(total) },
    );
  }),
  serve(objectRoutes.get, async ({ hub, caller, params, base }) => {
    const row = await ownRecord(hub, caller.owner, params.sha);
    const answer = await withAccess(hub, row, { base, upload: true, mount: 'objects' });
    return new Answer(200, answer, { [objectType]: row.linked === null ? 'object' : 'link' });
  }),
  serve(objectRoutes.blob, async ({ hub, caller, params, base }) => {
    const row = await ownRecord(hub, caller.owner, params.sha);
    const answer = await withAccess(hub, row, { base, upload: false, mount: 'objects' });
    return new Answer(302, '', { location: answer['signed-geturl'] });
  }),
  serve(objectRoutes.put, async ({ hub, caller, params, body }) =>
    wireObject(await rename(hub, await ownRecord(hub, demandOwner({ caller }), params.sha), body)),
  ),
  serve(objectRoutes.remove, async ({ hub, caller, params }) => {
    const row = await ownRecord(hub, demandOwner({ caller }), params.sha);
    await forget(hub, row);
    return wireObject(row);
  }),
  ...[blobRoutes.get, blobRoutes.getAlias].map((route) => serve(route, download)),
  ...[blobRoutes.put, blobRoutes.putAlias].map((route) => serve(route, upload)),
];

type SignedCall = Pick<Call, 'hub' | 'request'> & { params: { token: string } };

async function access(hub: Hub, token: string, method: 'GET' | 'PUT'): Promise<SignedAccess | undefined> {
  const signed = await openSigned(hub, token);
  return signed?.method === method ? signed : undefined;
}

async function download({ hub, params, request }: SignedCall): Promise<Answer> {
  const signed = await access(hub, params.token, 'GET');
  if (signed === undefined) return new Answer(403, '');
  const { bandwidth } = await limitsOf(hub, hub.db, signed.owner);
  if ((await hub.bandwidth.used(signed.owner)) > bandwidth)
    throw new Failure(
      'quota-exceeded',
      'cannot send the object: the bandwidth of its owner for this month is used up',
      { status: 403 },
    );
  const { headers } = request;
  const range = parseRange(headers.range, signed.size);
  if (range === 'unsatisfiable') return new Answer(416, '', { 'content-range': `bytes */${signed.size}` });
  const etag = `"${signed.sha}"`;
  const blob = await hub.blobs.get(signed.blob, range);
  if (blob === undefined) return new Answer(404, '');
  const common = {
    'last-modified': new Date(blob.modified).toUTCString(),
    'accept-ranges': 'bytes',
    etag,
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="${signed.name.replaceAll(/[^\x20-\x7e]|["\\]/g, '_')}"`,
  };
  if (headers['if-none-match'] === etag) {
    blob.stream.destroy();
    return new Answer(304, '', common);
  }
  const length = range === undefined ? blob.size : range.end - range.start + 1;
  hub.bandwidth.add(signed.owner, length);
  return new Answer(range === undefined ? 200 : 206, blob.stream, {
    ...common,
    'content-length': String(length),
    ...(range === undefined ? {} : { 'content-range': `bytes ${range.start}-${range.end}/${blob.size}` }),
  });
}

async function upload({ hub, params, request }: SignedCall): Promise<Answer> {
  const signed = await access(hub, params.token, 'PUT');
  if (signed === undefined) {
    request.raw.resume();
    return new Answer(403, '');
  }
  const content = request.body instanceof Readable ? request.body : Readable.from([]);
  if (signed.blob === onlyProof) await drain(content, signed);
  else {
    await hub.blobs.put(signed.blob, content, signed);
    await hub.writer.write((tx) =>
      tx.updateTable('objects').set({ stored: 1, linked: null }).where('storage_id', '=', signed.blob).execute(),
    );
  }
  return new Answer(200, '');
}

/** Reads an upload to its end and checks it, without keeping it. */
async function drain(content: Readable, signed: SignedAccess): Promise<void> {
  const nowhere = new Writable({ write: (_piece, _encoding, done) => done() });
  await pipeline(content, new VerifiedContent(signed), nowhere);
}
