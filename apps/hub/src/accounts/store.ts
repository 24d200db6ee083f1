import type { Account } from '@pantavisor/hub-api';
import type { Insertable, Selectable } from 'kysely';
import type { Db, Tables } from '../db/schema.ts';
import { wireTime } from '../names/times.ts';

export type AccountRow = Selectable<Tables['accounts']>;
type By = 'id' | 'prn' | 'nick' | 'email';

export const accountStore = {
  find: (db: Db, by: By, value: string): Promise<AccountRow | undefined> =>
    db.selectFrom('accounts').selectAll().where(by, '=', value).executeTakeFirst(),

  insert: (db: Db, row: Insertable<Tables['accounts']>) => db.insertInto('accounts').values(row).execute(),

  /** Own account and those it owns, or all. */
  list: (db: Db, prn: string, all: boolean): Promise<AccountRow[]> => {
    const query = db.selectFrom('accounts').selectAll().orderBy('id');
    return (all ? query : query.where((is) => is.or([is('prn', '=', prn), is('owner', '=', prn)]))).execute();
  },

  update: (db: Db, id: string, change: Partial<AccountRow>) =>
    db.updateTable('accounts').set(change).where('id', '=', id).executeTakeFirst(),

  /** Nick of an account by prn; empty when there is none. */
  nickOf: async (db: Db, prn: string): Promise<string> =>
    (await db.selectFrom('accounts').select('nick').where('prn', '=', prn).executeTakeFirst())?.nick ?? '',
};

/** The account as it goes over the wire; hashes and challenges never do. */
export function wireAccount(row: AccountRow): Account {
  return {
    type: row.type,
    email: row.email ?? '',
    nick: row.nick,
    prn: row.prn,
    'time-created': wireTime(row.created),
    'time-modified': wireTime(row.modified),
    ...(row.redirect_uris === null ? {} : { redirect_uris: JSON.parse(row.redirect_uris) as string[] }),
  };
}
