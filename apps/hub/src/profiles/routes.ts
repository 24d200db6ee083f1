import { type Profile, profileRoutes } from '@pantavisor/hub-api';
import type { Selectable } from 'kysely';
import type { Principal } from '../auth/principal.ts';
import type { Db, Tables } from '../db/schema.ts';
import { noteOwnerFollowing } from '../followers/queue.ts';
import { type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import { sortedMap } from '../http/json.ts';
import { wholeNumber } from '../http/paging.ts';
import type { Hub } from '../hub.ts';
import { wireTime } from '../names/times.ts';
import { squarePicture } from './picture.ts';

type ProfileRow = Selectable<Tables['profiles']>;
const members = [
  'fullName',
  'bio',
  'picture',
  'website',
  'location',
  'github',
  'gitlab',
  'company',
  'twitter',
] as const;
type Body = Partial<Record<(typeof members)[number], string>>;

function wire(
  row: ProfileRow | undefined,
  who: { nick: string; email: string; created: number },
  own: boolean,
): Profile {
  const body = (row === undefined ? {} : JSON.parse(row.body)) as Body;
  const texts = Object.fromEntries(members.map((name) => [name, body[name] ?? ''])) as Record<
    (typeof members)[number],
    string
  >;
  return {
    nick: who.nick,
    email: own ? who.email : '',
    ...texts,
    ...(own ? { meta: sortedMap(JSON.parse(row?.meta ?? '{}') as Record<string, unknown>) } : {}),
    'time-created': wireTime(row?.created ?? who.created),
    'time-modified': wireTime(row?.modified ?? who.created),
  };
}

/** Writes some columns of the profile of an account, making it when it is missing. */
async function save(hub: Hub, db: Db, prn: string, change: Partial<ProfileRow>): Promise<void> {
  const now = hub.clock();
  await db
    .insertInto('profiles')
    .values({ prn, body: '{}', meta: '{}', is_public: 1, created: now, modified: now, ...change })
    .onConflict((conflict) => conflict.column('prn').doUpdateSet({ ...change, modified: now }))
    .execute();
}

const find = (db: Db, prn: string) => db.selectFrom('profiles').selectAll().where('prn', '=', prn).executeTakeFirst();

async function ownProfile(hub: Hub, caller: Principal): Promise<Profile> {
  const account = await hub.db
    .selectFrom('accounts')
    .select(['email', 'created'])
    .where('prn', '=', caller.prn)
    .executeTakeFirst();
  return wire(
    await find(hub.db, caller.prn),
    { nick: caller.nick, email: account?.email ?? '', created: account?.created ?? 0 },
    true,
  );
}

/** Accounts that own public devices, and the caller, by nick. */
async function listProfiles(
  hub: Hub,
  caller: Principal,
  query: Record<string, string | undefined>,
): Promise<Profile[]> {
  const limit = Math.min(wholeNumber(query.limit, 'limit') ?? 20, 1000);
  const page = wholeNumber(query.page, 'page') ?? 0;
  const sharing = hub.db
    .selectFrom('devices')
    .select('owner')
    .where('is_public', '=', 1)
    .where('garbage_since', 'is', null);
  let accounts = hub.db
    .selectFrom('accounts')
    .select(['prn', 'nick', 'email', 'created'])
    .where('type', '=', 'USER')
    .where('disabled', '=', 0)
    .where((is) => is.or([is('prn', '=', caller.prn), is('prn', 'in', sharing)]))
    .orderBy('nick')
    .limit(limit)
    .offset(page * limit);
  const nick = query.nick ?? '';
  if (nick.startsWith('!')) accounts = accounts.where('nick', '!=', nick.slice(1));
  else if (nick.startsWith('^')) {
    const prefix = nick.slice(1).toLowerCase();
    accounts = accounts.where(({ fn, eb }) =>
      eb(fn<string>('substr', [fn<string>('lower', ['nick']), eb.val(1), eb.val(prefix.length)]), '=', prefix),
    );
  } else if (nick !== '') accounts = accounts.where('nick', '=', nick);
  const rows = await accounts.execute();
  return Promise.all(
    rows.map(async (row) =>
      wire(await find(hub.db, row.prn), { ...row, email: row.email ?? '' }, row.prn === caller.prn),
    ),
  );
}

/** Handlers of `/profiles` (hub-api §11). */
export const profileHandlers: Served[] = [
  serve(profileRoutes.list, ({ hub, caller, query }) => (caller.anonymous ? [] : listProfiles(hub, caller, query))),
  serve(profileRoutes.get, async ({ hub, caller, params }) => {
    if (params.nick === caller.nick) return ownProfile(hub, caller);
    const account = await hub.db.selectFrom('accounts').selectAll().where('nick', '=', params.nick).executeTakeFirst();
    const row = account === undefined ? undefined : await find(hub.db, account.prn);
    if (account === undefined || account.disabled !== 0 || row?.is_public === 0)
      throw new Failure('not-permitted', 'Profile is not public');
    return wire(row, { nick: account.nick, email: '', created: account.created }, false);
  }),
  serve(profileRoutes.put, async ({ hub, caller, body }) => {
    if (caller.anonymous) throw new Failure('wrong-caller-type', 'cannot change a profile: log in first');
    if (body.picture !== undefined && body.picture !== '') squarePicture(body.picture);
    await hub.writer.write(async (tx) => {
      const old = JSON.parse((await find(tx, caller.prn))?.body ?? '{}') as Body;
      const merged = {
        ...old,
        ...Object.fromEntries(members.flatMap((name) => (body[name] === undefined ? [] : [[name, body[name]]]))),
      };
      await save(hub, tx, caller.prn, { body: JSON.stringify(merged) });
    });
    return ownProfile(hub, caller);
  }),
  serve(profileRoutes.getMeta, async ({ hub, caller }) => {
    // A device may read what lies under its own metadata.
    const row = caller.owner === '' ? undefined : await find(hub.db, caller.owner);
    return sortedMap(JSON.parse(row?.meta ?? '{}') as Record<string, unknown>);
  }),
  serve(profileRoutes.putMeta, async ({ hub, caller, body }) => {
    if (caller.anonymous) throw new Failure('wrong-caller-type', 'cannot change metadata: log in first');
    await hub.writer.write(async (tx) => {
      await save(hub, tx, caller.prn, { meta: JSON.stringify(body) });
      await noteOwnerFollowing(tx, caller.prn, body, hub.clock());
    });
    hub.bus.tell({ kind: 'owner', owner: caller.prn });
    return sortedMap(body);
  }),
];
