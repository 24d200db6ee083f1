import type { ObjectWithAccess } from '@pantavisor/hub-api';
import type { Principal } from '../auth/principal.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { withAccess } from '../objects/signed.ts';
import { type ObjectRow, objectStore, storageIdOf } from '../objects/store.ts';
import { stepFor } from './access.ts';
import { objectsOf } from './state.ts';

type Params = { id: string; rev: string };

/** Upload addresses go to the owner only; devices and strangers may just fetch (hub-api §7.5). */
const mayUpload = (caller: Principal, row: ObjectRow) => caller.type !== 'DEVICE' && caller.prn === row.owner;

/** Objects of a revision, one for each key of its state. */
export async function stepObjects(
  hub: Hub,
  caller: Principal,
  params: Params,
  base: string,
): Promise<ObjectWithAccess[]> {
  const { step } = await stepFor(hub, caller, params, 'read', { missing: 404, forbidden: 404 });
  const { objects, problems } = objectsOf(JSON.parse(step.state) as Record<string, unknown>);
  if (problems.length > 0) throw new Failure('bad-request', `cannot list the objects: ${problems[0]}`);
  const ids = objects.map(({ sha }) => storageIdOf(step.owner, sha));
  const rows = await objectStore.findMany(hub.db, ids);
  return Promise.all(
    objects.map(async ({ name }, index) => {
      const row = rows.get(ids[index] ?? '');
      if (row === undefined) throw new Failure('not-permitted', `cannot list the objects: '${name}' is missing`);
      return withAccess(hub, row, { base, upload: mayUpload(caller, row), mount: 'trails', name });
    }),
  );
}

/** One object of a revision; only what its state names can be had this way. */
export async function stepObject(
  hub: Hub,
  caller: Principal,
  params: Params & { sha: string },
  base: string,
): Promise<{ object: ObjectWithAccess; kind: 'object' | 'link' }> {
  const { step } = await stepFor(hub, caller, params, 'read', { missing: 403, forbidden: 403 });
  const { objects } = objectsOf(JSON.parse(step.state) as Record<string, unknown>);
  const named = objects.find(({ sha }) => sha === params.sha);
  const row = named === undefined ? undefined : await objectStore.find(hub.db, storageIdOf(step.owner, named.sha));
  if (named === undefined || row === undefined)
    throw new Failure('not-permitted', `cannot get object ${params.sha}: revision ${step.rev} does not use it`);
  const object = await withAccess(hub, row, {
    base,
    upload: mayUpload(caller, row),
    mount: 'trails',
    name: named.name,
  });
  return { object, kind: row.linked === null ? 'object' : 'link' };
}
