import { createHash } from 'node:crypto';
import { type PrincipalType, scopeName } from '@pantavisor/hub-api';
import { findBuiltIn } from '../accounts/built-in.ts';
import { findApp } from '../apps/store.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { equalSecrets, randomText } from '../names/secrets.ts';
import { findAccount } from './login.ts';
import { type Claims, hasScope, type Principal } from './principal.ts';

export interface CodeRequest {
  service: string;
  scopes?: string;
  state?: string;
  redirect_uri?: string;
  response_type?: string;
}

interface Service {
  prn: string;
  redirectUris: string[];
  /** full names of the scopes it may ask for; undefined = any */
  scopes?: Set<string>;
  /** application type: public, confidential or pkce */
  type?: string;
}

const codeLife = 300_000;
const bad = (why: string) => new Failure('bad-request', `cannot grant access: ${why}`);

async function findService(hub: Hub, name: string): Promise<Service> {
  const app = await findApp(hub.db, name);
  if (app !== undefined)
    return {
      prn: app.prn,
      redirectUris: app.body.redirect_uris,
      scopes: new Set(app.body.scopes.map(({ id, service }) => `${service}/${id}`)),
      type: app.body.type,
    };
  const builtIn = findBuiltIn(hub.config, name);
  if (builtIn?.type === 'SERVICE' || builtIn?.type === 'CLIENT') return builtIn;
  const account = await findAccount(hub, name);
  if (account?.type === 'SERVICE')
    return { prn: account.prn, redirectUris: JSON.parse(account.redirect_uris ?? '[]') as string[] };
  throw bad(`there is no service '${name}'`);
}

/** Scheme, host and port must be equal and the path must lie below the registered one: a prefix of text alone would let `https://good.example.evil` in. */
export function redirectAllowed(registered: readonly string[], wanted: string): boolean {
  if (!URL.canParse(wanted)) return false;
  const target = new URL(wanted);
  return registered.some((text) => {
    if (!URL.canParse(text)) return false;
    const base = new URL(text);
    const anyPort = base.hostname === 'localhost' || base.hostname === '127.0.0.1';
    const sameHost =
      base.protocol === target.protocol && base.hostname === target.hostname && (anyPort || base.port === target.port);
    const folder = base.pathname.replace(/\/$/, '');
    return sameHost && (target.pathname === base.pathname || target.pathname.startsWith(`${folder}/`));
  });
}

async function check(hub: Hub, caller: Principal, request: CodeRequest): Promise<{ service: Service; scopes: string }> {
  if (caller.anonymous) throw new Failure('wrong-caller-type', 'cannot grant access: log in first');
  const service = await findService(hub, request.service);
  const asked = (request.scopes ?? '')
    .split(/[ ,]+/)
    .filter((scope) => scope !== '' && scope !== '*')
    .map(scopeName);
  const foreign = asked.filter((scope) => service.scopes !== undefined && !service.scopes.has(scope));
  if (foreign.length > 0) throw bad(`the application may not ask for ${foreign.join(', ')}`);
  const scopes = asked.length > 0 ? asked : service.scopes === undefined ? [scopeName('all')] : [...service.scopes];
  const wider = scopes.filter((scope) => !hasScope(caller, [scope]));
  if (wider.length > 0) throw bad(`the token used has not ${wider.join(', ')} itself`);
  if (
    request.redirect_uri !== undefined &&
    request.redirect_uri !== '' &&
    !redirectAllowed(service.redirectUris, request.redirect_uri)
  )
    throw bad('redirect_uri is not one of the registered ones');
  return { service, scopes: scopes.join(' ') };
}

interface Grant {
  user: Pick<Claims, 'id' | 'prn' | 'nick' | 'type' | 'roles'>;
  service: string;
  scopes: string;
}

/** Makes a code the service can exchange for a token within five minutes, once (hub-api §4.4). */
export async function makeCode(hub: Hub, caller: Principal, request: CodeRequest) {
  const { service, scopes } = await check(hub, caller, request);
  if (service.type === 'public' && request.response_type === 'code')
    throw bad('a public application uses /auth/authorize or PKCE, not codes');
  const code = randomText(40);
  await keepCode(hub, code, 'service', { user: userOf(caller), service: service.prn, scopes } satisfies Grant);
  return { code, scopes, redirect_uri: withCode(request, code) };
}

export function withCode(request: CodeRequest, code: string): string {
  if (request.redirect_uri === undefined || request.redirect_uri === '') return '';
  const url = new URL(request.redirect_uri);
  url.searchParams.set('code', code);
  if (request.state !== undefined) url.searchParams.set('state', request.state);
  return url.href;
}

const userOf = ({ prn, nick, type, claims }: Principal) => ({ id: prn, prn, nick, type, roles: claims.roles });

/** Exchanges a code of {@link makeCode}; called by the service with its own login. The token lives until it is taken back. */
export async function exchangeCode(hub: Hub, caller: Principal, code: string, comment: string) {
  const grant = (await useCode(hub, code, 'service')) as Grant | undefined;
  if (grant === undefined || grant.service !== caller.prn)
    throw new Failure(
      'not-authorized',
      'cannot exchange the code: it was used, has expired, or is for another service',
    );
  return { ...(await issueGrant(hub, grant, comment, undefined)), scopes: grant.scopes };
}

async function issueGrant(hub: Hub, grant: Grant, comment: string, minutes: number | undefined) {
  const now = hub.clock();
  const id = hub.ids.next(now);
  const claims: Claims = {
    ...grant.user,
    type: grant.user.type as PrincipalType,
    // Acting for an administrator does not make an application one.
    roles: 'user',
    scopes: grant.scopes,
    aud: grant.service,
    token_id: id,
  };
  await hub.writer.write((tx) =>
    tx
      .insertInto('grants')
      .values({
        id,
        client: grant.service,
        owner: grant.user.prn,
        comment,
        claims: JSON.stringify(claims),
        created: now,
        revoked: null,
      })
      .execute(),
  );
  return {
    token: await hub.tokens.issue({ ...claims, orig_iat: Math.floor(now / 1000) }, minutes ?? 60 * 24 * 365 * 10),
    token_type: 'bearer',
  };
}

/** Hands a token to an application at once (implicit grant); it lives an hour. */
export async function authorize(hub: Hub, caller: Principal, request: CodeRequest) {
  const { service, scopes } = await check(hub, caller, request);
  const { token } = await issueGrant(hub, { user: userOf(caller), service: service.prn, scopes }, 'implicit', 60);
  const fragment = new URLSearchParams({ access_token: token, expires_in: '3600', scope: scopes });
  if (request.state !== undefined) fragment.set('state', request.state);
  fragment.set('token_type', 'bearer');
  const redirect = request.redirect_uri ?? '';
  return {
    token,
    redirect_uri: redirect === '' ? '' : `${redirect}#${fragment.toString()}`,
    token_type: 'bearer',
    scopes,
  };
}

export interface PkceStart {
  client_id?: string;
  redirect_uri?: string;
  code_challenge?: string;
  code_challenge_method?: string;
  scope?: string;
  state?: string;
}

interface PkceState {
  challenge: string;
  redirect: string;
  client: string;
  user?: Grant['user'];
  scopes?: string;
}

const oauthError = (error: string, description: string) => new Failure('bad-request', `${error}: ${description}`);

/** Begins the flow of RFC 7636. @returns the authorization code, good only once a user has approved it */
export async function startPkce(hub: Hub, start: PkceStart): Promise<string> {
  const { client_id, redirect_uri, code_challenge, code_challenge_method } = start;
  for (const [name, value] of Object.entries({ client_id, redirect_uri, code_challenge, code_challenge_method }))
    if (value === undefined || value === '') throw oauthError('invalid_request', `${name} is missing`);
  if (code_challenge_method !== 'S256') throw oauthError('invalid_request', 'code_challenge_method must be S256');
  if (!isLoopback(redirect_uri ?? '')) {
    const service = await findService(hub, client_id ?? '');
    if (!redirectAllowed(service.redirectUris, redirect_uri ?? ''))
      throw oauthError('invalid_redirect_uri', 'it is not registered');
  }
  const code = randomText(40);
  const state: PkceState = { challenge: code_challenge ?? '', redirect: redirect_uri ?? '', client: client_id ?? '' };
  await keepCode(hub, code, 'pkce', state);
  return code;
}

/** Command line programs listen on the machine of the user (RFC 8252 §7.3); nobody registers those. */
function isLoopback(redirect: string): boolean {
  if (!URL.canParse(redirect)) return false;
  const { protocol, hostname, pathname } = new URL(redirect);
  return (
    /^https?:$/.test(protocol) &&
    (hostname === 'localhost' || hostname === '127.0.0.1') &&
    pathname.startsWith('/callback')
  );
}

/** Binds a started PKCE flow to the user who approves it. @returns false when there is no such flow */
export async function approvePkce(hub: Hub, caller: Principal, code: string, request: CodeRequest): Promise<boolean> {
  const row = await hub.db.selectFrom('codes').selectAll().where('code', '=', code).executeTakeFirst();
  if (row === undefined || row.kind !== 'pkce' || row.used !== null || row.expires < hub.clock()) return false;
  const state = JSON.parse(row.body) as PkceState;
  if (request.redirect_uri !== undefined && request.redirect_uri !== state.redirect) return false;
  const asked = (request.scopes ?? '')
    .split(/[ ,]+/)
    .filter((scope) => scope !== '' && scope !== '*')
    .map(scopeName);
  const scopes = (asked.length > 0 ? asked : [scopeName('all')]).filter((scope) => hasScope(caller, [scope])).join(' ');
  const body = JSON.stringify({ ...state, user: userOf(caller), scopes } satisfies PkceState);
  const bound = await hub.writer.write((tx) =>
    tx.updateTable('codes').set({ body }).where('code', '=', code).where('used', 'is', null).executeTakeFirst(),
  );
  return bound.numUpdatedRows === 1n;
}

export interface PkceFinish {
  grant_type?: string;
  'access-code'?: string;
  code_verifier?: string;
  redirect_uri?: string;
}

/** Finishes the flow: whoever knows the verifier gets a short token of the user that approved. */
export async function finishPkce(hub: Hub, finish: PkceFinish) {
  if (finish.grant_type !== 'authorization_code') throw oauthError('unsupported_grant_type', 'use authorization_code');
  const state = (await useCode(hub, finish['access-code'] ?? '', 'pkce')) as PkceState | undefined;
  const verified = createHash('sha256')
    .update(finish.code_verifier ?? '')
    .digest('base64url');
  if (state?.user === undefined || !equalSecrets(verified, state.challenge))
    throw oauthError(
      'invalid_grant',
      'the code is unknown, used or expired, was not approved, or the verifier is wrong',
    );
  if (finish.redirect_uri !== state.redirect)
    throw oauthError('invalid_redirect_uri', 'it is not the one the flow began with');
  const claims: Claims = {
    ...state.user,
    type: state.user.type,
    roles: 'user',
    scopes: state.scopes ?? '',
    orig_iat: Math.floor(hub.clock() / 1000),
  };
  return { token: await hub.tokens.issue(claims, hub.config['short-token-minutes']), token_type: 'bearer' };
}

async function keepCode(hub: Hub, code: string, kind: string, body: object): Promise<void> {
  const now = hub.clock();
  await hub.writer.write(async (tx) => {
    await tx
      .deleteFrom('codes')
      .where('expires', '<', now - codeLife)
      .execute();
    await tx
      .insertInto('codes')
      .values({ code, kind, body: JSON.stringify(body), expires: now + codeLife, used: null })
      .execute();
  });
}

async function useCode(hub: Hub, code: string, kind: string): Promise<unknown> {
  const now = hub.clock();
  const used = await hub.writer.write((tx) =>
    tx
      .updateTable('codes')
      .set({ used: now })
      .where('code', '=', code)
      .where('kind', '=', kind)
      .where('used', 'is', null)
      .where('expires', '>=', now)
      .returning('body')
      .executeTakeFirst(),
  );
  return used === undefined ? undefined : JSON.parse(used.body);
}
