import { type AppScope, appRoutes, baseScopes, baseService } from '@pantavisor/hub-api';
import { accountNick } from '../accounts/names.ts';
import type { Principal } from '../auth/principal.ts';
import { demand } from '../auth/verdict.ts';
import { isDuplicate } from '../db/open.ts';
import { type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { prnOf } from '../names/ids.ts';
import { digestSecret, randomText } from '../names/secrets.ts';
import { wordNames } from '../names/words.ts';
import { type AppBody, type AppRow, findApp, listApps, wireApp } from './store.ts';

const largestLogo = 15 * 1024;
const bad = (why: string) => new Failure('bad-request', `cannot register the application: ${why}`);

interface Wanted {
  name?: string;
  logo?: string;
  type?: string;
  nick?: string;
  redirect_uris?: string[];
  scopes?: Partial<AppScope>[];
  exposed_scopes?: Partial<AppScope>[];
}

function scopesOf(prn: string, wanted: Partial<AppScope>[]): AppScope[] {
  return wanted.map(({ id = '', service = '', description, required }) => {
    if (id === '') throw bad('a scope has no id');
    const base = service === baseService ? baseScopes[id as keyof typeof baseScopes] : undefined;
    if (service === baseService && base === undefined) throw bad(`there is no scope '${id}'`);
    const text = base ?? description;
    return {
      id,
      service: service === '' ? prn : service,
      ...(text === undefined ? {} : { description: text }),
      ...(required === undefined ? {} : { required }),
    };
  });
}

function checked(prn: string, wanted: Wanted): AppBody {
  const { type = '', redirect_uris = [], scopes = [], logo = '' } = wanted;
  if (type !== 'public' && type !== 'confidential' && type !== 'pkce')
    throw bad('type must be public, confidential or pkce');
  if (scopes.length === 0) throw bad('at least one scope is needed');
  if (redirect_uris.length === 0) throw bad('at least one redirect_uri is needed');
  for (const uri of redirect_uris)
    if (!URL.canParse(uri) || !/^(https?|[a-z][a-z0-9+.-]*\.[a-z0-9+.-]+):/i.test(uri))
      throw bad(`redirect_uri '${uri}' is no address`);
  if (Buffer.byteLength(logo.replace(/^data:[^,]*,/, ''), 'base64') >= largestLogo)
    throw bad('the logo must be smaller than 15 KiB');
  const exposed = wanted.exposed_scopes ?? [];
  if (exposed.length > 0 && type !== 'confidential') throw bad('only confidential applications expose scopes');
  return {
    name: wanted.name ?? '',
    logo,
    type,
    redirect_uris,
    scopes: scopesOf(prn, scopes),
    exposed_scopes: scopesOf(prn, exposed),
  };
}

const slug = (nick: string) =>
  nick
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

/** A drawn nick nobody has; there are not so many names of two words that a clash would be rare. */
async function freeNick(hub: Hub): Promise<string> {
  for (;;) {
    const nick = slug(wordNames.app());
    if ((await findApp(hub.db, nick)) === undefined) return nick;
  }
}

async function owned(hub: Hub, caller: Principal, id: string): Promise<AppRow> {
  const row = await findApp(hub.db, id);
  if (row === undefined) throw new Failure('not-found', `cannot find application '${id}'`);
  demand(caller, 'own', { name: `application ${row.nick}`, owner: row.owner });
  return row;
}

/** Handlers of `/apps` (hub-api §10). */
export const appHandlers: Served[] = [
  serve(appRoutes.scopes, async ({ hub, query }) => {
    if (query.serviceID !== undefined && query.serviceID !== '') {
      const app = await findApp(hub.db, query.serviceID);
      if (app === undefined)
        throw new Failure('not-found', `cannot list scopes: there is no application '${query.serviceID}'`);
      return app.body.scopes;
    }
    const base = Object.entries(baseScopes).map(([id, description]) => ({ id, service: baseService, description }));
    return [...base, ...(await listApps(hub.db)).flatMap(({ body }) => body.exposed_scopes)];
  }),
  serve(appRoutes.create, async ({ hub, caller, body }) => {
    if (caller.anonymous) throw new Failure('wrong-caller-type', 'cannot register an application: log in first');
    const nick = body.nick ? slug(body.nick) : await freeNick(hub);
    const prn = prnOf.app(nick);
    const content = checked(prn, body);
    const now = hub.clock();
    const secret = content.type === 'confidential' ? randomText(30) : undefined;
    const row: AppRow = {
      id: hub.ids.next(now),
      prn,
      nick,
      owner: caller.prn,
      body: content,
      secret: secret === undefined ? '' : digestSecret(secret),
      created: now,
      modified: now,
      deleted: null,
    };
    try {
      await hub.writer.write((tx) =>
        tx
          .insertInto('apps')
          .values({ ...row, body: JSON.stringify(content) })
          .execute(),
      );
    } catch (error) {
      if (isDuplicate(error))
        throw new Failure('already-exists', `cannot register the application: '${nick}' is taken`, { status: 500 });
      throw error;
    }
    return wireApp(row, { own: true, ownerNick: caller.nick, ...(secret === undefined ? {} : { secret }) });
  }),
  serve(appRoutes.list, async ({ hub, caller, query }) => {
    const rows = await listApps(hub.db, caller.prn);
    const wanted = query.serviceID || undefined;
    const found = wanted === undefined ? rows : rows.filter(({ id, prn, nick }) => [id, prn, nick].includes(wanted));
    return found.map((row) => wireApp(row, { own: true, ownerNick: caller.nick }));
  }),
  serve(appRoutes.get, async ({ hub, caller, params }) => {
    const row = await findApp(hub.db, params.id);
    if (row === undefined) throw new Failure('not-found', `cannot find application '${params.id}'`);
    return wireApp(row, { own: row.owner === caller.prn, ownerNick: await accountNick(hub, row.owner) });
  }),
  serve(appRoutes.put, async ({ hub, caller, params, body }) => {
    const row = await owned(hub, caller, params.id);
    const changed = { ...row, body: checked(row.prn, body), modified: hub.clock() };
    await hub.writer.write((tx) =>
      tx
        .updateTable('apps')
        .set({ body: JSON.stringify(changed.body), modified: changed.modified })
        .where('id', '=', row.id)
        .execute(),
    );
    return wireApp(changed, { own: true, ownerNick: caller.nick });
  }),
  serve(appRoutes.remove, async ({ hub, caller, params }) => {
    const row = await owned(hub, caller, params.id);
    const now = hub.clock();
    await hub.writer.write(async (tx) => {
      await tx
        .updateTable('apps')
        .set({ deleted: now, nick: `${row.nick}#${row.id}` })
        .where('id', '=', row.id)
        .execute();
      await tx
        .updateTable('grants')
        .set({ revoked: now })
        .where('client', '=', row.prn)
        .where('revoked', 'is', null)
        .execute();
    });
    hub.bus.tell({ kind: 'revoked', prn: row.prn });
    return wireApp({ ...row, deleted: now }, { own: true, ownerNick: caller.nick });
  }),
];
