import { anonymousScopes, type PrincipalType, scopeName } from '@pantavisor/hub-api';
import { findBuiltIn } from '../accounts/built-in.ts';
import { type AccountRow, accountStore } from '../accounts/store.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { isHexId, prnOf } from '../names/ids.ts';
import { equalSecrets } from '../names/secrets.ts';
import { type Claims, isAnonymous } from './principal.ts';

export interface LoginRequest {
  username: string;
  password: string;
  scope?: string | undefined;
  address: string;
}

interface LoggedIn {
  claims: Claims;
  minutes?: number;
}

/** Compared when there is no such account, so that the time of a refusal does not tell whether there is one. */
const nobody = `argon2id$${Buffer.alloc(16).toString('base64url')}$${Buffer.alloc(32).toString('base64url')}`;

/**
 * Logs in a person, device, service, application or nobody (hub-api §4.1).
 * @returns a token @throws Failure wrong-credentials, account-not-confirmed, too-many-attempts
 */
export async function login(hub: Hub, request: LoginRequest): Promise<string> {
  const { claims, minutes } = await logInAs(hub, request);
  return hub.tokens.issue(claims, minutes);
}

/**
 * As {@link login}, for whoever keeps the claims in another way than a token.
 * @returns the claims, and the life of a token with them where it is not the usual one
 */
export async function logInAs(
  hub: Hub,
  { username, password, scope = '', address }: LoginRequest,
): Promise<{ claims: Claims; minutes: number | undefined }> {
  const arrow = username.indexOf('==>');
  const name = arrow < 0 ? username : username.slice(0, arrow);
  const wait = hub.logins.wait(name, address);
  if (wait > 0)
    throw new Failure('too-many-attempts', `cannot log in: too many failed attempts, wait ${wait} s`, {
      headers: { 'retry-after': String(wait) },
    });
  const found = await identify(hub, name, password);
  if (found === undefined) {
    hub.logins.failed(name, address);
    throw new Failure('wrong-credentials', 'cannot log in: name or password is wrong');
  }
  hub.logins.succeeded(name, address);
  const claims = narrow({ ...found.claims, orig_iat: Math.floor(hub.clock() / 1000) }, scope);
  if (arrow >= 0 && claims.roles === 'admin')
    claims['call-as'] = await impersonate(hub, claims, username.slice(arrow + 3));
  return { claims, minutes: found.minutes };
}

/** Exchanges a good token for a fresh one with the same claims (hub-api §4.2). */
export async function refresh(hub: Hub, token: string): Promise<string> {
  const claims = await hub.tokens.claims(token);
  const age = hub.clock() / 1000 - (claims.orig_iat ?? 0);
  if (claims.orig_iat === undefined || age > hub.config['refresh-minutes'] * 60)
    throw new Failure('not-authorized', 'cannot refresh the token: the login is too long ago; log in again');
  return hub.tokens.issue(claims);
}

async function identify(hub: Hub, name: string, password: string): Promise<LoggedIn | undefined> {
  if (isAnonymous(name)) return anonymous(hub);
  if (name.startsWith('prn:pantahub.com:apis:/')) return asApp(hub, name, password);
  const builtIn = findBuiltIn(hub.config, name);
  if (builtIn !== undefined) {
    const claims = claimsOf(name, builtIn.prn, builtIn.nick, builtIn.type, builtIn.role);
    return equalSecrets(builtIn.password, password) ? { claims } : undefined;
  }
  if (name.startsWith('prn:::devices:/')) return asDevice(hub, name, password);
  return (await asAccessToken(hub, name, password)) ?? (await asAccount(hub, name, password));
}

function claimsOf(id: string, prn: string, nick: string, type: PrincipalType, roles: string): Claims {
  return { id, prn, nick, type, roles, scopes: scopeName('all') };
}

function anonymous(hub: Hub): LoggedIn {
  const nick = `anon-${hub.ids.next(hub.clock())}`;
  const prn = prnOf.builtIn(nick);
  return { claims: claimsOf(prn, prn, nick, 'USER', 'user'), minutes: hub.config['short-token-minutes'] };
}

async function asApp(hub: Hub, prn: string, secret: string): Promise<LoggedIn | undefined> {
  const app = await hub.db.selectFrom('apps').selectAll().where('prn', '=', prn).executeTakeFirst();
  const fits = await hub.passwords.fits(secret, app?.secret || nobody);
  if (app === undefined || app.deleted !== null || !fits) return undefined;
  const { scopes = [] } = JSON.parse(app.body) as { scopes?: { id: string; service: string }[] };
  const names = scopes.map(({ id, service }) => `${service}/${id}`).join(' ');
  return { claims: { ...claimsOf(prn, prn, app.nick, 'SERVICE', 'service'), scopes: names } };
}

async function asDevice(hub: Hub, prn: string, secret: string): Promise<LoggedIn | undefined> {
  const device = await hub.db
    .selectFrom('devices')
    .select(['nick', 'owner', 'secret', 'garbage_since'])
    .where('prn', '=', prn)
    .executeTakeFirst();
  const fits = await hub.passwords.fits(secret, device?.secret ?? nobody);
  if (device === undefined || device.garbage_since !== null || !fits) return undefined;
  return { claims: { ...claimsOf(prn, prn, device.nick, 'DEVICE', 'device'), owner: device.owner } };
}

async function asAccessToken(hub: Hub, name: string, password: string): Promise<LoggedIn | undefined> {
  const id = Buffer.from(password, 'base64url').toString().slice(0, 25);
  if (!isHexId(id.slice(0, 24)) || id[24] !== ':') return undefined;
  const token = await hub.db
    .selectFrom('access_tokens')
    .selectAll()
    .where('id', '=', id.slice(0, 24))
    .where('deleted', 'is', null)
    .executeTakeFirst();
  if (token === undefined || token.name !== name || token.expires < hub.clock()) return undefined;
  if (!(await hub.passwords.fits(password, token.secret))) return undefined;
  const owner = await accountStore.find(hub.db, 'prn', token.owner);
  if (owner !== undefined && owner.disabled !== 0) return undefined;
  const type = token.type as PrincipalType;
  return {
    claims: {
      ...claimsOf(name, token.owner, token.name, type, type.toLowerCase()),
      scopes: (JSON.parse(token.scopes) as string[]).join(' '),
      token_id: token.id,
    },
    minutes: hub.config['short-token-minutes'],
  };
}

async function asAccount(hub: Hub, name: string, password: string): Promise<LoggedIn | undefined> {
  const row = await findAccount(hub, name);
  const fits = await hub.passwords.fits(password, row?.password || nobody);
  if (row === undefined || !fits || row.disabled !== 0) return undefined;
  if (row.challenge !== null)
    throw new Failure(
      'account-not-confirmed',
      'cannot log in: confirm the e-mail address first (see the mail we sent)',
    );
  return { claims: claimsOf(name, row.prn, row.nick, row.type as PrincipalType, row.role) };
}

/** Account by e-mail when it looks like one, else by nick, else by prn. */
export async function findAccount(hub: Hub, name: string): Promise<AccountRow | undefined> {
  if (name.includes('@')) return accountStore.find(hub.db, 'email', name.toLowerCase());
  if (name.startsWith('prn:')) return accountStore.find(hub.db, 'prn', name);
  return accountStore.find(hub.db, 'nick', name);
}

/** Scopes only ever narrow; anonymous callers get only what reads. */
function narrow(claims: Claims, wanted: string): Claims {
  const asked = wanted
    .split(/[ ,]+/)
    .filter((scope) => scope !== '')
    .map(scopeName);
  if (isAnonymous(claims.prn)) {
    const readable = asked.filter((scope) => scope.endsWith('.readonly'));
    const fallback = asked.length === 0 ? anonymousScopes.map(scopeName) : [];
    return { ...claims, scopes: [...readable, ...fallback].join(' ') };
  }
  if (asked.length === 0) return claims;
  const has = new Set(claims.scopes.split(/[ ,]+/));
  const granted = has.has(scopeName('all')) ? asked : asked.filter((scope) => has.has(scope));
  return { ...claims, scopes: granted.join(' ') };
}

async function impersonate(hub: Hub, admin: Claims, name: string): Promise<Claims> {
  const builtIn = findBuiltIn(hub.config, name);
  const row = builtIn === undefined ? await findAccount(hub, name) : undefined;
  if (builtIn === undefined && row === undefined)
    throw new Failure('wrong-credentials', `cannot act as '${name}': there is no such account`);
  const target =
    builtIn === undefined
      ? claimsOf('', row?.prn ?? '', row?.nick ?? '', (row?.type ?? 'USER') as PrincipalType, row?.role ?? 'user')
      : claimsOf('', builtIn.prn, builtIn.nick, builtIn.type, builtIn.role);
  return { ...target, id: `${admin.prn}==>${target.prn}`, scopes: admin.scopes };
}
