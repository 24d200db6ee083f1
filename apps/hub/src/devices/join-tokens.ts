import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { JoinToken } from '@pantavisor/hub-api';
import type { Selectable } from 'kysely';
import { isDuplicate } from '../db/open.ts';
import type { Tables } from '../db/schema.ts';
import { Failure } from '../http/failure.ts';
import { sortedMap } from '../http/json.ts';
import type { Hub } from '../hub.ts';
import { isHexId, prnOf } from '../names/ids.ts';
import { equalSecrets } from '../names/secrets.ts';
import { wireTime } from '../names/times.ts';
import { wordNames } from '../names/words.ts';

type TokenRow = Selectable<Tables['join_tokens']>;
const bytes = 24;
const digestOf = (token: Buffer) => createHash('sha256').update(token).digest('hex');

function wire(row: TokenRow, token?: string): JoinToken {
  return {
    id: row.id,
    prn: prnOf.joinToken(row.id),
    nick: row.nick,
    owner: row.owner,
    ...(token === undefined ? {} : { token }),
    'default-user-meta': sortedMap(JSON.parse(row.user_meta) as Record<string, unknown>),
    disabled: row.disabled !== 0,
    'time-created': wireTime(row.created),
    'time-modified': wireTime(row.modified),
  };
}

/** Makes a join token; only its digest is kept (hub-api §5.11). */
export async function createJoinToken(
  hub: Hub,
  owner: string,
  nick: string | undefined,
  meta: Record<string, unknown>,
): Promise<JoinToken> {
  const now = hub.clock();
  const token = randomBytes(bytes);
  const row: TokenRow = {
    id: hub.ids.next(now),
    nick: nick || wordNames.nick(),
    owner,
    digest: digestOf(token),
    user_meta: JSON.stringify(meta),
    disabled: 0,
    created: now,
    modified: now,
  };
  try {
    await hub.writer.write((tx) => tx.insertInto('join_tokens').values(row).execute());
  } catch (error) {
    if (isDuplicate(error))
      throw new Failure('already-exists', `cannot make the token: the nick '${row.nick}' is taken`, { status: 500 });
    throw error;
  }
  return wire(row, token.toString('base64'));
}

export async function listJoinTokens(hub: Hub, owner: string): Promise<JoinToken[]> {
  const rows = await hub.db.selectFrom('join_tokens').selectAll().where('owner', '=', owner).orderBy('id').execute();
  return rows.map((row) => wire(row));
}

export async function disableJoinToken(hub: Hub, owner: string, id: string): Promise<void> {
  const change = { disabled: 1, modified: hub.clock() };
  const done = await hub.writer.write((tx) =>
    tx
      .updateTable('join_tokens')
      .set(change)
      .where('id', '=', isHexId(id) ? id : '')
      .where('owner', '=', owner)
      .executeTakeFirst(),
  );
  if (done.numUpdatedRows === 0n)
    throw new Failure('not-found', `cannot disable join token '${id}': you have none with this id`);
}

/** Owner and default metadata a presented join token stands for. @throws Failure 400 when it is unknown or disabled */
export async function redeemJoinToken(hub: Hub, presented: string): Promise<{ owner: string; meta: string }> {
  const token = Buffer.from(presented, 'base64');
  const row =
    token.length === bytes
      ? await hub.db.selectFrom('join_tokens').selectAll().where('digest', '=', digestOf(token)).executeTakeFirst()
      : undefined;
  if (row === undefined || row.disabled !== 0)
    throw new Failure('bad-request', 'cannot join: the token is unknown or was disabled');
  return { owner: row.owner, meta: row.user_meta };
}

/**
 * Checks that the holder of a join token signed a device name (hub-api §4.7).
 * @returns owner and default metadata the token stands for
 * @throws Failure 400
 */
export async function verifyJoinSignature(
  hub: Hub,
  { tokenId, owner, name, signature }: { tokenId: string; owner: string; name: string; signature: string },
): Promise<{ owner: string; meta: string }> {
  const id = tokenId.split('/').at(-1) ?? '';
  const row = await hub.db
    .selectFrom('join_tokens')
    .selectAll()
    .where('id', '=', id)
    .where('owner', '=', owner)
    .executeTakeFirst();
  const hex = Buffer.from(name).toString('hex');
  const right = createHmac('sha256', Buffer.from(row?.digest ?? '', 'hex'))
    .update(hex)
    .digest('base64');
  if (row === undefined || row.disabled !== 0 || !equalSecrets(right, signature))
    throw new Failure('bad-request', 'cannot accept the signature: it was not made with this join token');
  return { owner: row.owner, meta: row.user_meta };
}
