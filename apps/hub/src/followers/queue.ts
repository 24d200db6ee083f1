import { randomUUID } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { Db, Tables, Tx } from '../db/schema.ts';
import { followedIn } from './address.ts';

export type FollowWork = Selectable<Tables['follow_work']>;
type Meta = Record<string, unknown>;

/** How long a hub has for a piece of work before another one, or itself after a crash, takes it up; milliseconds. */
export const lease = 10_000;

/** The work that is left, in the database: what is added in the transaction of its cause is neither lost nor done for nothing. */
export const followQueue = {
  /** `leader`: its followers are to get its state. `follower`: it is to get the state of whom it follows. */
  add: (tx: Tx, kind: 'leader' | 'follower', device: string, now: number) => {
    const fresh = { past: '', stamp: randomUUID(), due: now };
    return tx
      .insertInto('follow_work')
      .values({ id: `${kind}/${device}`, kind, device, ...fresh })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(fresh))
      .execute();
  },

  /** Takes the piece of work that is due for the longest; nobody else gets it until its lease is over. */
  take: async (db: Tx, now: number): Promise<FollowWork | undefined> => {
    for (;;) {
      const next = await db
        .selectFrom('follow_work')
        .selectAll()
        .where('due', '<=', now)
        .orderBy('due')
        .orderBy('id')
        .limit(1)
        .executeTakeFirst();
      if (next === undefined) return undefined;
      const taken = await db
        .updateTable('follow_work')
        .set({ due: now + lease })
        .where('id', '=', next.id)
        .where('stamp', '=', next.stamp)
        .where('due', '=', next.due)
        .executeTakeFirst();
      if (taken.numUpdatedRows > 0n) return next;
    }
  },

  /** Goes on later behind a device; what was added anew meanwhile begins anew. */
  later: (tx: Tx, { id, stamp }: FollowWork, past: string, due: number) =>
    tx.updateTable('follow_work').set({ past, due }).where('id', '=', id).where('stamp', '=', stamp).execute(),

  finish: (tx: Tx, { id, stamp }: FollowWork) =>
    tx.deleteFrom('follow_work').where('id', '=', id).where('stamp', '=', stamp).execute(),

  /** When something is due next; undefined when nothing is left. */
  next: async (db: Db): Promise<number | undefined> => {
    const { due } = await db
      .selectFrom('follow_work')
      .select(({ fn }) => fn.min('due').as('due'))
      .executeTakeFirstOrThrow();
    return due === null ? undefined : Number(due);
  },
};

/** Notes whom a device follows after its user metadata was written; if that is somebody new, it is to get their state. */
export async function noteFollowing(tx: Tx, device: string, userMeta: string, now: number): Promise<void> {
  const follows = followedIn(JSON.parse(userMeta) as Meta);
  const changed = await tx
    .updateTable('devices')
    .set({ follows })
    .where('id', '=', device)
    .where(({ ref }) => sql<boolean>`${ref('follows')} is distinct from ${follows}`)
    .executeTakeFirst();
  if (changed.numUpdatedRows > 0n) await followQueue.add(tx, 'follower', device, now);
}

/** As {@link noteFollowing}, for metadata that lies under that of every device of an owner. */
export async function noteOwnerFollowing(tx: Tx, owner: string, meta: Meta, now: number): Promise<void> {
  const follows = followedIn(meta);
  const changed = await tx
    .updateTable('profiles')
    .set({ follows })
    .where('prn', '=', owner)
    .where(({ ref }) => sql<boolean>`${ref('follows')} is distinct from ${follows}`)
    .executeTakeFirst();
  if (changed.numUpdatedRows === 0n) return;
  const devices = await tx
    .selectFrom('devices')
    .select('id')
    .where('owner', '=', owner)
    .where('follows', 'is', null)
    .where('garbage_since', 'is', null)
    .execute();
  for (const { id } of devices) await followQueue.add(tx, 'follower', id, now);
}

/** Works out anew whom everybody follows, without anything to do: for records from a hub that did not note it. */
export async function noteAllFollowing(db: Db): Promise<void> {
  const devices = await db
    .selectFrom('devices')
    .select(['id', 'user_meta'])
    .where('user_meta', 'like', '%pvr-auto-follow.url%')
    .where('follows', 'is', null)
    .execute();
  for (const { id, user_meta } of devices)
    await db
      .updateTable('devices')
      .set({ follows: followedIn(JSON.parse(user_meta) as Meta) })
      .where('id', '=', id)
      .execute();
  const profiles = await db
    .selectFrom('profiles')
    .select(['prn', 'meta'])
    .where('meta', 'like', '%pvr-auto-follow.url%')
    .where('follows', 'is', null)
    .execute();
  for (const { prn, meta } of profiles)
    await db
      .updateTable('profiles')
      .set({ follows: followedIn(JSON.parse(meta) as Meta) })
      .where('prn', '=', prn)
      .execute();
}
