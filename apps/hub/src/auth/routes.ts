import { authRoutes, type Route, scopeName, statusRoutes } from '@pantavisor/hub-api';
import { findBuiltIn } from '../accounts/built-in.ts';
import { logOut, recover, resetPassword, signUp, verify } from '../accounts/service.ts';
import { accountStore, wireAccount } from '../accounts/store.ts';
import { verifyJoinSignature } from '../devices/join-tokens.ts';
import { bearerOf, challengeHeader } from '../http/authenticate.ts';
import { wwwUrl } from '../http/base-url.ts';
import { Answer, type Call, type Served, serve } from '../http/call.ts';
import { cookieOf } from '../http/cookies.ts';
import { Failure } from '../http/failure.ts';
import { sortedMap } from '../http/json.ts';
import { prnOf } from '../names/ids.ts';
import { never } from '../names/times.ts';
import { loginWithCertificate } from './certificate-login.ts';
import { approvePkce, authorize, exchangeCode, finishPkce, makeCode, startPkce, withCode } from './grants.ts';
import { login, refresh } from './login.ts';
import { providerHandlers } from './provider-routes.ts';

export const tooOld = () => new Failure('client-too-old', 'Incompatible Client; upgrade pantavisor');

const claimsOf = ({ caller }: Call) => sortedMap(caller.claims as unknown as Record<string, unknown>);
const authCookie = 'pkce_auth_code';
const redirectCookie = 'pkce_redirect_uri';

/** Handlers of `/auth` (hub-api §4). */
export const authHandlers: Served[] = [
  serve(authRoutes.login, async ({ hub, body, address, request }) => {
    if (request.headers['user-agent'] === undefined) throw tooOld();
    // Nothing but the token: the oldest devices take the last text of the answer for it.
    return { token: await login(hub, { ...body, address }) };
  }),
  serve(authRoutes.refresh, async ({ hub, request, base }) => {
    try {
      return { token: await refresh(hub, bearerOf(request) ?? '') };
    } catch (error) {
      if (!(error instanceof Failure) || error.status !== 401) throw error;
      throw new Failure(error.code, error.message, { headers: { 'www-authenticate': challengeHeader(hub, base) } });
    }
  }),
  serve(authRoutes.logout, async ({ hub, caller }) => {
    await logOut(hub, caller.prn);
    return { status: 'OK' };
  }),
  serve(authRoutes.status, (call) => claimsOf(call as unknown as Call)),
  ...Object.values(statusRoutes).map((route) => serve(route as Route, claimsOf)),
  serve(authRoutes.self, async ({ hub, caller }) => {
    const row = await accountStore.find(hub.db, 'prn', caller.prn);
    if (row !== undefined) return wireAccount(row);
    const builtIn = findBuiltIn(hub.config, caller.prn);
    if (builtIn === undefined) throw new Failure('not-found', 'cannot show the account: it is not kept in this hub');
    const { type, nick, prn } = builtIn;
    return { type, email: '', nick, prn, 'time-created': never, 'time-modified': never };
  }),
  serve(authRoutes.accounts, async ({ hub, caller, query }) => {
    const asAdmin = query.asadmin !== undefined;
    if (asAdmin && !caller.admin)
      throw new Failure('not-permitted', 'cannot list all accounts: this needs the role admin');
    return (await accountStore.list(hub.db, caller.prn, asAdmin)).map(wireAccount);
  }),
  serve(authRoutes.signUp, ({ hub, body, base, address }) =>
    signUp(hub, body, { www: wwwUrl(hub.config, base), address }),
  ),
  serve(authRoutes.verify, ({ hub, query }) => verify(hub, query.id ?? '', query.challenge ?? '')),
  serve(authRoutes.recover, ({ hub, body, base }) => recover(hub, body.email ?? '', wwwUrl(hub.config, base))),
  serve(authRoutes.password, ({ hub, body }) => resetPassword(hub, body.token ?? '', body.password ?? '')),
  serve(authRoutes.session, async ({ hub }) => {
    const now = hub.clock();
    const id = hub.ids.next(now);
    const nick = `__SESSION__${id}`;
    const prn = prnOf.session(id);
    const rest = {
      type: 'SESSION',
      role: 'session',
      email: null,
      owner: '',
      password: '',
      challenge: null,
      redirect_uris: null,
      disabled: 0,
      tokens_from: 0,
    };
    await hub.writer.write((tx) => accountStore.insert(tx, { id, prn, nick, ...rest, created: now, modified: now }));
    const claims = { id: nick, prn, nick, type: 'SESSION', roles: 'session', scopes: scopeName('all') } as const;
    return { token: await hub.tokens.issue({ ...claims, orig_iat: Math.floor(now / 1000) }) };
  }),
  serve(authRoutes.code, async ({ hub, caller, body, request }) => {
    const pkce = cookieOf(request.headers.cookie, authCookie);
    if (pkce !== undefined && !caller.anonymous && (await approvePkce(hub, caller, pkce, body)))
      return new Answer(
        200,
        { code: pkce, scopes: body.scopes ?? '', redirect_uri: withCode(body, pkce) },
        clearCookies(),
      );
    return makeCode(hub, caller, body);
  }),
  serve(authRoutes.token, ({ hub, caller, body }) =>
    exchangeCode(hub, caller, body['access-code'], body.comment ?? ''),
  ),
  serve(authRoutes.authorize, ({ hub, caller, body }) => authorize(hub, caller, body)),
  serve(authRoutes.oauthAuthorize, async ({ hub, query, base }) => {
    const code = await startPkce(hub, query);
    const target = new URL(`${wwwUrl(hub.config, base)}/oauth2/authorize`);
    const pass = {
      client_id: query.client_id,
      auth_code: code,
      redirect_uri: query.redirect_uri,
      state: query.state,
      scope: query.scope,
      response_type: 'code',
    };
    for (const [name, value] of Object.entries(pass)) target.searchParams.set(name, value ?? '');
    const cookie = (name: string, value: string) =>
      `${name}=${encodeURIComponent(value)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=300`;
    const cookies = [cookie(authCookie, code), cookie(redirectCookie, query.redirect_uri ?? '')];
    return new Answer(307, '', { location: target.href, 'set-cookie': cookies });
  }),
  serve(authRoutes.oauthToken, ({ hub, body }) => finishPkce(hub, body)),
  ...providerHandlers,
  serve(authRoutes.x509Login, async ({ hub, request }) => ({ token: await loginWithCertificate(hub, request.raw) })),
  serve(authRoutes.signatureVerify, async ({ hub, body }) => {
    await verifyJoinSignature(hub, {
      tokenId: body['token-id'],
      owner: body.owner,
      name: body['idevid-name'],
      signature: body.signature,
    });
    return 'ok';
  }),
];

function clearCookies(): Record<string, string[]> {
  const gone = [authCookie, redirectCookie].map((name) => `${name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`);
  return { 'set-cookie': gone };
}
