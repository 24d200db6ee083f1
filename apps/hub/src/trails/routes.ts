import { cloneRoutes, trailRoutes } from '@pantavisor/hub-api';
import { accountPrn } from '../accounts/names.ts';
import type { Principal } from '../auth/principal.ts';
import { callingDevice } from '../devices/find.ts';
import { deviceStore } from '../devices/store.ts';
import { Answer, type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import { CanonicalText } from '../http/json.ts';
import type { Hub } from '../hub.ts';
import { announce } from '../objects/service.ts';
import { withAccess } from '../objects/signed.ts';
import { stepFor, trailFor } from './access.ts';
import { listSteps, listTrails, type Page, pollSteps, project } from './list.ts';
import { stepObject, stepObjects } from './objects.ts';
import { endStep, listReports, reportProgress } from './progress.ts';
import { remoteInfo } from './remote.ts';
import { createTrail, postStep, replaceMeta, replaceState } from './steps.ts';
import { trailStore, wireStep, wireTrail } from './store.ts';
import { listSummaries, oneSummary } from './summary.ts';

const remote = { missing: 500, forbidden: 403 };
const quiet = { missing: 500, forbidden: 500 };
const objectType = 'pantahub-object-type';

async function deviceByNicks(hub: Hub, caller: Principal, params: { usernick: string; devicenick: string }) {
  const owner = await accountPrn(hub, params.usernick);
  const device = owner === undefined ? undefined : await deviceStore.findByNick(hub.db, owner, params.devicenick);
  // Whether it exists is not told to strangers; 403 makes pvr ask for a login (hub-api §6.3).
  if (device === undefined) throw new Failure('not-permitted', 'cannot find this device, or it is not yours');
  return trailFor(hub, caller, device.id, 'read', { missing: 403, forbidden: 403 });
}

/** A page of a list; `X-Total-Count` tells how many entries all pages have. */
const counted = ({ total, page }: Page) =>
  new Answer(200, page, total === undefined ? {} : { 'x-total-count': String(total) });

/** Handlers of `/trails` and of clone addresses (hub-api §6). */
export const trailHandlers: Served[] = [
  serve(trailRoutes.list, async ({ hub, caller, query, address }) => {
    const device = callingDevice(caller);
    if (device !== undefined) hub.presence.note(device, hub.clock(), address);
    return counted(await listTrails(hub, caller, query));
  }),
  serve(trailRoutes.create, async ({ hub, caller, body }) => {
    const { trail, factory } = await createTrail(hub, caller, body);
    return wireTrail(trail, factory);
  }),
  serve(trailRoutes.summaries, async ({ hub, caller, query }) => {
    const { total, page } = await listSummaries(hub, caller, query);
    return new Answer(200, page, { 'x-total-count': String(total) });
  }),
  serve(trailRoutes.get, async ({ hub, caller, params }) => {
    const trail = await trailFor(hub, caller, params.id, 'read', quiet);
    return wireTrail(trail, await trailStore.step(hub.db, trail.id, 0));
  }),
  serve(trailRoutes.summary, ({ hub, caller, params }) => oneSummary(hub, caller, params.id)),
  serve(trailRoutes.remote, async ({ hub, caller, params, base }) => {
    const trail = await trailFor(hub, caller, params.id, 'read', remote);
    return remoteInfo(base, trail.id, trail.last_rev, 'newest');
  }),
  serve(
    trailRoutes.steps,
    async ({ hub, caller, params, query, address }) => {
      if (callingDevice(caller) !== params.id) return counted(await listSteps(hub, caller, params.id, query));
      hub.presence.note(params.id, hub.clock(), address);
      return pollSteps(hub, caller, params.id, query);
    },
    'steps',
  ),
  serve(trailRoutes.post, async ({ hub, caller, params, body, query }) =>
    wireStep(await postStep(hub, caller, params.id, body, query.autolink !== 'no')),
  ),
  serve(trailRoutes.step, async ({ hub, caller, params, query }) => {
    const { step } = await stepFor(hub, caller, params, 'read', quiet);
    return project(step, query.fields);
  }),
  serve(trailRoutes.stepRemote, async ({ hub, caller, params, base }) => {
    const { step } = await stepFor(hub, caller, params, 'read', remote);
    return remoteInfo(base, step.trail_id, step.rev, 'given');
  }),
  serve(trailRoutes.state, async ({ hub, caller, params }) => {
    const { step } = await stepFor(hub, caller, params, 'read', { missing: 404, forbidden: 403 });
    return new CanonicalText(step.state);
  }),
  serve(
    trailRoutes.putState,
    async ({ hub, caller, params, body }) => new CanonicalText(await replaceState(hub, caller, params, body)),
  ),
  serve(trailRoutes.meta, async ({ hub, caller, params }) => {
    const { step } = await stepFor(hub, caller, params, 'read', quiet);
    return new CanonicalText(step.meta);
  }),
  serve(
    trailRoutes.putMeta,
    async ({ hub, caller, params, body }) => new CanonicalText(await replaceMeta(hub, caller, params, body)),
  ),
  serve(
    trailRoutes.putProgress,
    async ({ hub, caller, params, body, address }) =>
      new CanonicalText(await reportProgress(hub, caller, params, body, address)),
  ),
  serve(trailRoutes.reports, async ({ hub, caller, params }) => {
    const { step } = await stepFor(hub, caller, params, 'read', { missing: 404, forbidden: 403 });
    return listReports(hub, step.id);
  }),
  serve(
    trailRoutes.cancel,
    async ({ hub, caller, params }) => new CanonicalText(await endStep(hub, caller, params, 'cancel')),
  ),
  serve(
    trailRoutes.wontgo,
    async ({ hub, caller, params }) => new CanonicalText(await endStep(hub, caller, params, 'wontgo')),
  ),
  serve(trailRoutes.objects, ({ hub, caller, params, base }) => stepObjects(hub, caller, params, base)),
  serve(trailRoutes.postObject, async ({ hub, caller, params, body, query, base }) => {
    const { step } = await stepFor(hub, caller, params, 'own-or-be', { missing: 404, forbidden: 403 });
    const { row, exists, kind } = await announce(hub, step.owner, body, query.autolink !== 'no');
    const object = await withAccess(hub, row, { base, upload: true, mount: 'trails' });
    return new Answer(exists ? 409 : 200, object, { [objectType]: kind });
  }),
  serve(trailRoutes.object, async ({ hub, caller, params, base }) => {
    const { object, kind } = await stepObject(hub, caller, params, base);
    return new Answer(200, object, { [objectType]: kind });
  }),
  serve(trailRoutes.objectBlob, async ({ hub, caller, params, base }) => {
    const { object } = await stepObject(hub, caller, params, base);
    return new Answer(302, '', { location: object['signed-geturl'] });
  }),
  serve(cloneRoutes.device, async ({ hub, caller, params, base }) => {
    const trail = await deviceByNicks(hub, caller, params);
    return remoteInfo(base, trail.id, trail.last_rev, 'newest');
  }),
  serve(cloneRoutes.step, async ({ hub, caller, params, base }) => {
    const { id } = await deviceByNicks(hub, caller, params);
    const { step } = await stepFor(hub, caller, { id, rev: params.rev }, 'read', remote);
    return remoteInfo(base, step.trail_id, step.rev, 'given');
  }),
];
