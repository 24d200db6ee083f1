import { randomBytes } from 'node:crypto';
import { type PrincipalType, scopeName } from '@pantavisor/hub-api';
import { reservedNicks } from '../accounts/built-in.ts';
import { store } from '../accounts/service.ts';
import { type AccountRow, accountStore } from '../accounts/store.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { equalSecrets, randomText } from '../names/secrets.ts';
import type { Claims } from './principal.ts';

/** Identity providers one may sign in with (hub-api §4.6), and where they answer. */
const providers: Record<string, { authorize: string; token: string; profile: string; scope: string }> = {
  google: {
    authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
    token: 'https://oauth2.googleapis.com/token',
    profile: 'https://openidconnect.googleapis.com/v1/userinfo',
    scope: 'openid email profile',
  },
  github: {
    authorize: 'https://github.com/login/oauth/authorize',
    token: 'https://github.com/login/oauth/access_token',
    profile: 'https://api.github.com/user',
    scope: 'read:user user:email',
  },
  gitlab: {
    authorize: 'https://gitlab.com/oauth/authorize',
    token: 'https://gitlab.com/oauth/token',
    profile: 'https://gitlab.com/api/v4/user',
    scope: 'read_user',
  },
  entraid: {
    authorize: 'https://login.microsoftonline.com/common/oauth2/v2.0/authorize',
    token: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
    profile: 'https://graph.microsoft.com/oidc/userinfo',
    scope: 'openid email profile',
  },
};

export interface Provider {
  name: string;
  clientId: string;
  clientSecret: string;
  authorize: string;
  token: string;
  profile: string;
  scope: string;
}

/**
 * A provider that the operator has set up: `<NAME>_OAUTH_CLIENT_ID` and `_SECRET` in the environment, and for one's own server
 * `<NAME>_OAUTH_URL`, which replaces the host of its addresses.
 * @throws Failure 403 for one that is unknown or not set up
 */
export function findProvider(name: string, env: Record<string, string | undefined> = process.env): Provider {
  const known = providers[name];
  const prefix = `${name.toUpperCase()}_OAUTH_`;
  const clientId = env[`${prefix}CLIENT_ID`] ?? '';
  const clientSecret = env[`${prefix}CLIENT_SECRET`] ?? '';
  if (known === undefined || clientId === '' || clientSecret === '')
    throw new Failure('not-permitted', `cannot sign in with '${name}': this hub does not offer it`);
  const own = env[`${prefix}URL`];
  const at = (address: string) =>
    own === undefined || own === '' ? address : own.replace(/\/+$/, '') + new URL(address).pathname;
  return {
    name,
    clientId,
    clientSecret,
    scope: known.scope,
    authorize: at(known.authorize),
    token: at(known.token),
    profile: at(known.profile),
  };
}

/** Names of the providers that the operator has set up. */
export function configuredProviders(env: Record<string, string | undefined> = process.env): string[] {
  return Object.keys(providers).filter((name) => {
    const prefix = `${name.toUpperCase()}_OAUTH_`;
    return (env[`${prefix}CLIENT_ID`] ?? '') !== '' && (env[`${prefix}CLIENT_SECRET`] ?? '') !== '';
  });
}

/** Where the browser is sent, and the state that must come back with it. */
export function beginSignIn(provider: Provider, callback: string): { location: string; state: string } {
  const state = randomBytes(16).toString('base64url');
  const url = new URL(provider.authorize);
  const query = {
    client_id: provider.clientId,
    redirect_uri: callback,
    response_type: 'code',
    scope: provider.scope,
    state,
  };
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  return { location: url.href, state };
}

/**
 * Finishes a sign-in: exchanges the code, asks who it is, and finds or makes the account.
 * @returns the claims of whoever signed in @throws Failure 403 when the states differ, 500 when the provider does not answer as it should
 */
export async function finishSignIn(
  hub: Hub,
  provider: Provider,
  given: { code: string; state: string; expectedState: string; callback: string },
): Promise<Claims> {
  if (given.state === '' || !equalSecrets(given.state, given.expectedState))
    throw new Failure('not-permitted', 'cannot sign in: this browser did not begin it; try again');
  const { email, nick } = await whoIs(provider, given.code, given.callback);
  const account =
    (await accountStore.find(hub.db, 'email', email)) ?? (await makeAccount(hub, email, nick, provider.name));
  if (account.disabled !== 0) throw new Failure('not-permitted', 'cannot sign in: the account is closed');
  return {
    id: account.nick,
    prn: account.prn,
    nick: account.nick,
    type: account.type as PrincipalType,
    roles: account.role,
    scopes: scopeName('all'),
    orig_iat: Math.floor(hub.clock() / 1000),
  };
}

async function whoIs(provider: Provider, code: string, callback: string): Promise<{ email: string; nick: string }> {
  const failed = (why: string) => new Failure('internal', `cannot sign in with ${provider.name}: ${why}`);
  const patience = AbortSignal.timeout(10_000);
  const json = async (response: Response) => {
    if (!response.ok) throw failed(`it answered ${response.status}`);
    return (await response.json()) as Record<string, unknown>;
  };
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: callback,
    client_id: provider.clientId,
    client_secret: provider.clientSecret,
  });
  const { access_token } = await json(
    await fetch(provider.token, { method: 'POST', headers: { accept: 'application/json' }, body, signal: patience }),
  );
  if (typeof access_token !== 'string') throw failed('it gave no token');
  const profile = await json(
    await fetch(provider.profile, {
      headers: { authorization: `Bearer ${access_token}`, accept: 'application/json', 'user-agent': 'pantahub' },
      signal: patience,
    }),
  );
  const { email, email_verified, login, username, preferred_username, name } = profile;
  if (typeof email !== 'string' || email === '') throw failed('it tells no e-mail address; make it visible there');
  // Whoever may claim any address at the provider could take over the account of that address here.
  if (email_verified === false)
    throw new Failure(
      'not-permitted',
      `cannot sign in with ${provider.name}: the e-mail address is not confirmed there`,
    );
  const nick = [login, username, preferred_username, name, email].find(
    (text) => typeof text === 'string' && text !== '',
  ) as string;
  return { email: email.toLowerCase(), nick };
}

async function makeAccount(hub: Hub, email: string, wanted: string, provider: string): Promise<AccountRow> {
  if (hub.config['sign-up'] !== 'open')
    throw new Failure(
      'not-permitted',
      'cannot sign in: there is no account with this e-mail address, and this hub takes only people with an invitation',
    );
  const base = (wanted.split('@')[0] ?? '')
    .replaceAll(/[^\w.+-]/g, '_')
    .slice(0, 14)
    .padEnd(3, '_');
  for (const nick of [base, `${base}_${provider}`, `${base}_${randomText(8)}`]) {
    if (
      reservedNicks.has(nick) ||
      nick.startsWith('__') ||
      (await accountStore.find(hub.db, 'nick', nick)) !== undefined
    )
      continue;
    // Nobody knows this password; the recovery mail sets another.
    return store(hub, { email, nick, password: randomText(40), role: 'user', confirmed: true });
  }
  throw new Failure('already-exists', `cannot make an account for ${email}: no free nick was found`);
}

/** Whether a browser may be sent to this address with a token: the console, the hub itself, or a program on the user's machine. */
export function targetAllowed(target: string, own: readonly string[]): boolean {
  if (!URL.canParse(target)) return false;
  const { protocol, hostname, origin } = new URL(target);
  const loopback = /^https?:$/.test(protocol) && (hostname === 'localhost' || hostname === '127.0.0.1');
  return loopback || own.some((address) => URL.canParse(address) && new URL(address).origin === origin);
}
