import type { App, AppScope } from '@pantavisor/hub-api';
import type { Selectable } from 'kysely';
import type { Db, Tables } from '../db/schema.ts';
import { wireTime } from '../names/times.ts';

/** What of an application its owner chose. */
export interface AppBody {
  name: string;
  logo: string;
  type: 'public' | 'confidential' | 'pkce';
  redirect_uris: string[];
  scopes: AppScope[];
  exposed_scopes: AppScope[];
}
export type AppRow = Omit<Selectable<Tables['apps']>, 'body'> & { body: AppBody };

const parsed = (row: Selectable<Tables['apps']>): AppRow => ({ ...row, body: JSON.parse(row.body) as AppBody });

/** A live application by id, prn or nick. */
export async function findApp(db: Db, name: string): Promise<AppRow | undefined> {
  const row = await db
    .selectFrom('apps')
    .selectAll()
    .where((is) => is.or([is('id', '=', name), is('prn', '=', name), is('nick', '=', name)]))
    .where('deleted', 'is', null)
    .executeTakeFirst();
  return row === undefined ? undefined : parsed(row);
}

/** Live applications, all or those of an owner. */
export async function listApps(db: Db, owner?: string): Promise<AppRow[]> {
  const query = db.selectFrom('apps').selectAll().where('deleted', 'is', null).orderBy('id');
  return (await (owner === undefined ? query : query.where('owner', '=', owner)).execute()).map(parsed);
}

/** The application on the wire; strangers see only what a consent page needs. @param secret only when it was just drawn */
export function wireApp(
  row: AppRow,
  { own, ownerNick, secret }: { own: boolean; ownerNick: string; secret?: string },
): App {
  const { name, logo, type, redirect_uris, scopes, exposed_scopes } = row.body;
  return {
    id: own ? row.id : '',
    name,
    logo,
    type: own ? type : '',
    nick: row.nick,
    prn: row.prn,
    owner: own ? row.owner : '',
    ...(own ? { 'owner-nick': ownerNick } : {}),
    ...(secret === undefined ? {} : { secret }),
    ...(own ? { redirect_uris } : {}),
    scopes,
    ...(own ? { exposed_scopes } : {}),
    ExposedScopesLength: own ? exposed_scopes.length : 0,
    'time-created': wireTime(row.created),
    'time-modified': wireTime(row.modified),
    ...(row.deleted === null ? {} : { 'deleted-at': wireTime(row.deleted) }),
  };
}
