import { deviceRoutes } from '@pantavisor/hub-api';
import { accountPrn } from '../accounts/names.ts';
import { tooOld } from '../auth/routes.ts';
import { demand } from '../auth/verdict.ts';
import { Answer, type Call, type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import { compactJson } from '../http/json.ts';
import { enrol } from './enrol.ts';
import { callingDevice, deviceByName, readableDevice, viewFor } from './find.ts';
import { createJoinToken, disableJoinToken, listJoinTokens } from './join-tokens.ts';
import { listDevices } from './list.ts';
import { mergeUserMeta, readUserMeta, replaceUserMeta, writeDeviceMeta } from './metadata.ts';
import { put, register, remove, rename, setPublic } from './service.ts';
import { deviceResource, deviceStore, wireDevice } from './store.ts';

const autoToken = 'pantahub-devices-auto-token-v1';

/** Join tokens belong to people; other callers got 400 from the original. */
function person({ caller }: Pick<Call, 'caller'>): string {
  if ((caller.type !== 'USER' && caller.type !== 'SESSION') || caller.anonymous)
    throw new Failure('bad-request', 'cannot use join tokens: only people have them');
  return caller.prn;
}

/** Handlers of `/devices` (hub-api §5). */
export const deviceHandlers: Served[] = [
  serve(deviceRoutes.create, async ({ hub, principal, body, request }) => {
    if (request.headers['user-agent'] === undefined) throw tooOld();
    if (principal?.type === 'DEVICE' || principal?.anonymous === true)
      throw new Failure('not-permitted', 'cannot register a device: log in as its owner, or send no token at all');
    const token = request.headers[autoToken];
    return register(hub, principal, body, typeof token === 'string' ? token : undefined);
  }),
  serve(deviceRoutes.register, ({ hub, body }) => enrol(hub, body)),
  serve(deviceRoutes.list, async ({ hub, caller, query }) => {
    const { total, page } = await listDevices(hub, caller, query);
    return new Answer(200, page, { 'x-total-count': String(total) });
  }),
  serve(deviceRoutes.get, async ({ hub, caller, params, query }) => {
    const row = await readableDevice(hub, caller, params.id, query);
    const named = query.owner !== undefined || query['owner-nick'] !== undefined;
    if (named && caller.prn !== row.owner) demand(caller, 'read', { ...deviceResource(row), device: '' });
    return wireDevice(row, await viewFor(hub, caller, row));
  }),
  serve(deviceRoutes.byNames, async ({ hub, caller, params }) => {
    const owner = await accountPrn(hub, params.usernick);
    const row = owner === undefined ? undefined : await deviceStore.findByNick(hub.db, owner, params.devicenick);
    if (row === undefined) throw new Failure('not-permitted', 'cannot find this device, or it is not public');
    demand(caller, 'read', deviceResource(row));
    return wireDevice(row, await viewFor(hub, caller, row));
  }),
  serve(deviceRoutes.put, ({ hub, caller, params, body, query, rawBody }) => {
    const form = new URLSearchParams(rawBody.toString('utf8')).get('challenge') ?? undefined;
    return put(hub, caller, params.id, body, query.challenge ?? form);
  }),
  serve(deviceRoutes.patch, async ({ hub, caller, params, body }) => {
    const row = await deviceByName(hub, caller, params.id);
    return rename(hub, caller, row.id, body.nick ?? '');
  }),
  serve(deviceRoutes.remove, ({ hub, caller, params }) => remove(hub, caller, params.id)),
  serve(deviceRoutes.share, ({ hub, caller, params }) => setPublic(hub, caller, params.id, true)),
  serve(deviceRoutes.unshare, ({ hub, caller, params }) => setPublic(hub, caller, params.id, false)),
  serve(
    deviceRoutes.getUserMeta,
    async ({ hub, caller, params, address }) => {
      const id = callingDevice(caller);
      if (id !== params.id) return readUserMeta(hub, caller, params.id);
      hub.presence.note(id, hub.clock(), address);
      const text = await hub.idle.fill(id, 'user-meta', async () => ({
        text: compactJson(await readUserMeta(hub, caller, id)),
        keep: true,
      }));
      return JSON.parse(text) as Record<string, unknown>;
    },
    'user-meta',
  ),
  serve(deviceRoutes.putUserMeta, ({ hub, caller, params, body }) => replaceUserMeta(hub, caller, params.id, body)),
  serve(deviceRoutes.patchUserMeta, ({ hub, caller, params, body }) => mergeUserMeta(hub, caller, params.id, body)),
  serve(deviceRoutes.putDeviceMeta, async ({ hub, caller, params, body, address }) => {
    await writeDeviceMeta(hub, caller, params.id, body, false, address);
    return { status: 'ok' };
  }),
  serve(deviceRoutes.patchDeviceMeta, async ({ hub, caller, params, body, address }) => {
    await writeDeviceMeta(hub, caller, params.id, body, true, address);
    return { status: 'ok' };
  }),
  serve(deviceRoutes.createToken, ({ hub, caller, body }) =>
    createJoinToken(hub, person({ caller }), body.nick, body['default-user-meta'] ?? {}),
  ),
  serve(deviceRoutes.listTokens, ({ hub, caller }) => listJoinTokens(hub, person({ caller }))),
  serve(deviceRoutes.removeToken, async ({ hub, caller, params }) => {
    await disableJoinToken(hub, person({ caller }), params.id);
    return { status: 'OK' };
  }),
];
