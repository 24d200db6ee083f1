import { type AccessToken, baseService, tokenRoutes } from '@pantavisor/hub-api';
import type { Selectable } from 'kysely';
import type { Principal } from '../auth/principal.ts';
import { hasScope } from '../auth/principal.ts';
import { demand } from '../auth/verdict.ts';
import { isDuplicate } from '../db/open.ts';
import type { Tables } from '../db/schema.ts';
import { type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import { pageOf } from '../http/paging.ts';
import type { Hub } from '../hub.ts';
import { prnOf } from '../names/ids.ts';
import { digestSecret, randomText } from '../names/secrets.ts';
import { parseTime, wireTime } from '../names/times.ts';
import { wordNames } from '../names/words.ts';

type TokenRow = Selectable<Tables['access_tokens']>;
const year = 365 * 24 * 3600 * 1000;

function wire(row: TokenRow, secret?: string): AccessToken {
  return {
    'time-created': wireTime(row.created),
    'time-modified': wireTime(row.modified),
    id: row.id,
    name: row.name,
    type: row.type,
    prn: prnOf.accessToken(row.id),
    owner: row.owner,
    ...(secret === undefined ? {} : { secret }),
    scopes: JSON.parse(row.scopes) as string[],
    deleted: row.deleted !== null,
    'expire-at': wireTime(row.expires),
  };
}

interface Wanted {
  name?: string;
  type?: string;
  scopes?: string[];
  'expire-at'?: string;
}

async function create(hub: Hub, caller: Principal, wanted: Wanted): Promise<AccessToken> {
  const bad = (why: string) => new Failure('bad-request', `cannot make the token: ${why}`);
  if (caller.anonymous) throw new Failure('wrong-caller-type', 'cannot make a token: log in first');
  const { scopes = [`${baseService}/all`], type = 'SESSION' } = wanted;
  if (type !== 'SESSION' && type !== 'USER') throw bad('type must be SESSION or USER');
  if (scopes.length === 0) throw bad('at least one scope is needed');
  for (const scope of scopes) {
    if (!scope.startsWith('prn:')) throw bad(`'${scope}' is no full scope name such as ${baseService}/devices`);
    if (!hasScope(caller, [scope])) throw bad(`the token used has not ${scope} itself`);
  }
  const now = hub.clock();
  const expires =
    wanted['expire-at'] === undefined || wanted['expire-at'] === '' ? now + year : parseTime(wanted['expire-at']);
  if (expires === undefined || expires <= now) throw bad('expire-at must be an RFC 3339 time in the future');
  const id = hub.ids.next(now);
  const secret = Buffer.from(`${id}:${randomText(16)}`).toString('base64url');
  const row: TokenRow = {
    id,
    name: wanted.name || wordNames.nick(),
    type,
    owner: caller.prn,
    secret: digestSecret(secret),
    scopes: JSON.stringify(scopes),
    expires,
    created: now,
    modified: now,
    deleted: null,
  };
  try {
    await hub.writer.write((tx) => tx.insertInto('access_tokens').values(row).execute());
  } catch (error) {
    if (isDuplicate(error)) throw new Failure('already-exists', 'token name is already taken', { status: 500 });
    throw error;
  }
  return wire(row, secret);
}

async function own(hub: Hub, caller: Principal, id: string): Promise<TokenRow> {
  const row = await hub.db
    .selectFrom('access_tokens')
    .selectAll()
    .where('id', '=', id)
    .where('deleted', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw new Failure('not-permitted', `cannot find token '${id}' among yours`);
  demand(caller, 'own', { name: `token ${id}`, owner: row.owner });
  return row;
}

/** Handlers of `/tokens` (hub-api §9). */
export const tokenHandlers: Served[] = [
  serve(tokenRoutes.create, ({ hub, caller, body }) => create(hub, caller, body)),
  serve(tokenRoutes.list, async ({ hub, caller, query, base }) => {
    const { size, offset } = pageOf(query) ?? { size: 100, offset: 0 };
    const rows = await hub.db
      .selectFrom('access_tokens')
      .selectAll()
      .where('owner', '=', caller.prn)
      .where('deleted', 'is', null)
      .orderBy(query.sort_by === 'name' ? 'name' : 'created')
      .execute();
    const address = (at: number) => `${base}/tokens/?page[size]=${size}&page[offset]=${at}`;
    return {
      resource: `${base}/tokens/`,
      page_size: size,
      page_offset: offset,
      current_page: Math.floor(offset / Math.max(size, 1)) + 1,
      total: rows.length,
      next: offset + size < rows.length ? address(offset + size) : '',
      prev: offset > 0 ? address(Math.max(0, offset - size)) : '',
      items: rows.slice(offset, offset + size).map((row) => wire(row)),
    };
  }),
  serve(tokenRoutes.get, async ({ hub, caller, params }) => wire(await own(hub, caller, params.id))),
  serve(tokenRoutes.remove, async ({ hub, caller, params }) => {
    const { id } = await own(hub, caller, params.id);
    const now = hub.clock();
    await hub.writer.write((tx) =>
      tx.updateTable('access_tokens').set({ deleted: now, modified: now }).where('id', '=', id).execute(),
    );
    hub.bus.tell({ kind: 'revoked', prn: id });
    return { success: true };
  }),
];
