import { type Kysely, sql } from 'kysely';
import type { Dialect } from '../open.ts';

const text = (name: string) => `${name} text not null`;
const number = (name: string) => `${name} bigint not null`;
const moment = (name: string) => `${name} bigint`;
const flag = (name: string) => `${name} smallint not null default 0`;
const key = (name: string) => `${name} text primary key`;
const times = [number('created'), number('modified')];

const tables: Record<string, string[]> = {
  settings: [key('name'), text('value')],
  accounts: [
    key('id'),
    `${text('prn')} unique`,
    text('type'),
    text('role'),
    `${text('nick')} unique`,
    'email text unique',
    text('owner'),
    text('password'),
    'challenge text',
    'redirect_uris text',
    flag('disabled'),
    `${number('tokens_from')} default 0`,
    ...times,
  ],
  profiles: [key('prn'), text('body'), text('meta'), flag('is_public'), ...times],
  invitations: [key('code'), text('role'), number('expires')],
  devices: [
    key('id'),
    `${text('prn')} unique`,
    text('nick'),
    text('owner'),
    text('secret'),
    'challenge text',
    flag('is_public'),
    text('user_meta'),
    text('device_meta'),
    moment('garbage_since'),
    `${number('tokens_from')} default 0`,
    moment('seen'),
    text('address'),
    ...times,
    'unique (owner, nick)',
  ],
  join_tokens: [
    key('id'),
    `${text('nick')} unique`,
    text('owner'),
    `${text('digest')} unique`,
    text('user_meta'),
    flag('disabled'),
    ...times,
  ],
  trails: [
    key('id'),
    text('owner'),
    text('device'),
    number('last_rev'),
    number('progress_rev'),
    moment('last_insync'),
    number('last_touched'),
    moment('garbage_since'),
  ],
  steps: [
    key('id'),
    text('trail_id'),
    number('rev'),
    text('owner'),
    text('device'),
    text('commit_msg'),
    text('state'),
    text('state_sha'),
    text('meta'),
    text('progress'),
    text('status'),
    number('progress_time'),
    number('step_time'),
    text('used_objects'),
    ...times,
    'unique (trail_id, rev)',
  ],
  step_objects: [text('step_id'), text('storage_id'), text('sha'), 'primary key (step_id, storage_id)'],
  objects: [
    key('storage_id'),
    text('sha'),
    text('owner'),
    text('name'),
    number('size'),
    text('mime'),
    'linked text',
    flag('stored'),
    ...times,
  ],
  logs: [
    'SEQ',
    text('dev'),
    text('own'),
    number('created'),
    number('tsec'),
    number('tnano'),
    text('rev'),
    text('plat'),
    text('src'),
    text('lvl'),
    text('msg'),
  ],
  apps: [
    key('id'),
    `${text('prn')} unique`,
    `${text('nick')} unique`,
    text('owner'),
    text('body'),
    text('secret'),
    ...times,
    moment('deleted'),
  ],
  access_tokens: [
    key('id'),
    text('name'),
    text('type'),
    text('owner'),
    text('secret'),
    text('scopes'),
    number('expires'),
    ...times,
    moment('deleted'),
  ],
  grants: [
    key('id'),
    text('client'),
    text('owner'),
    text('comment'),
    text('claims'),
    number('created'),
    moment('revoked'),
  ],
  codes: [key('code'), text('kind'), text('body'), number('expires'), moment('used')],
  subscriptions: [
    key('id'),
    text('type'),
    `${text('subject')} unique`,
    text('issuer'),
    text('attr'),
    text('history'),
    ...times,
  ],
  bandwidth: [text('owner'), text('month'), number('bytes'), 'primary key (owner, month)'],
};

const indexes: [string, string][] = [
  ['accounts', 'owner'],
  ['devices', 'owner, modified'],
  ['devices', 'garbage_since'],
  ['join_tokens', 'owner'],
  ['trails', 'owner, last_touched'],
  ['steps', 'trail_id, status, rev'],
  ['steps', 'owner, modified'],
  ['step_objects', 'storage_id'],
  ['step_objects', 'sha'],
  ['objects', 'owner'],
  ['objects', 'sha'],
  ['objects', 'linked'],
  ['logs', 'own, seq'],
  ['logs', 'dev, seq'],
  ['logs', 'own, created, seq'],
  ['access_tokens', 'owner, name'],
  ['codes', 'expires'],
];

/** The tables of the first version. */
export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const seq = dialect === 'sqlite' ? 'seq integer primary key autoincrement' : 'seq bigserial primary key';
  for (const [name, columns] of Object.entries(tables)) {
    const body = columns.map((column) => (column === 'SEQ' ? seq : column)).join(', ');
    await sql.raw(`create table ${name} (${body})`).execute(db);
  }
  for (const [index, [table, columns]] of indexes.entries())
    await sql.raw(`create index ${table}_${index} on ${table} (${columns})`).execute(db);
  await sql
    .raw(`create unique index access_tokens_live on access_tokens (owner, name) where deleted is null`)
    .execute(db);
}
