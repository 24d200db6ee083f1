import type { Route } from '@pantavisor/hub-api';
import { baseScopes, scopeName } from '@pantavisor/hub-api';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../auth/principal.ts';
import { realm } from '../auth/tokens.ts';
import { admit } from '../auth/verdict.ts';
import type { Hub } from '../hub.ts';
import { equalSecrets } from '../names/secrets.ts';
import { consoleCaller } from '../sessions/cookie.ts';
import { Failure } from './failure.ts';

/** The bearer of a request; the word must be exactly `Bearer` (hub-api §3.1). */
export function bearerOf(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization;
  return header?.startsWith('Bearer ') === true ? header.slice(7) : undefined;
}

const endpoint = (hub: Hub, base: string) => hub.config['auth-endpoint'] || `${base}/auth`;

/** Header that tells pvr where to log in; its structure is part of the protocol. */
export function challengeHeader(hub: Hub, base: string): string {
  return `JWT realm="${realm}", ph-aeps="${endpoint(hub, base)}"`;
}

/**
 * Finds out who calls and whether they may call this route at all.
 * @throws Failure 401 with the challenge header; 403 with the wanted scopes
 */
export async function authenticate(
  hub: Hub,
  route: Route,
  request: FastifyRequest,
  base: string,
): Promise<Principal | undefined> {
  if (route.access === 'open' || route.access === 'signed') return undefined;
  if (route.access === 'operator') {
    demandOperator(hub, request, base);
    return undefined;
  }
  const principal = (await consolePrincipal(hub, request, base)) ?? (await bearer(hub, route, request, base));
  if (principal === undefined) return undefined;
  const verdict = admit(route, principal);
  if (verdict.allowed) return principal;
  if (verdict.code !== 'insufficient-scope') throw new Failure(verdict.code, `cannot call this: ${verdict.reason}`);
  const wanted = ['all', ...(route.scopes ?? [])].filter((scope) => scope in baseScopes).map(scopeName);
  throw new Failure(verdict.code, `cannot call this: ${verdict.reason}`, {
    headers: {
      'www-authenticate': `Bearer Realm="${realm}", ph-aeps="${endpoint(hub, base)}", scope="${wanted.join(' ')}", error="insufficient_scope", error_description="the token was narrowed to other things"`,
    },
  });
}

/** Whoever the token of the request names; undefined when the route needs none and none came. */
async function bearer(hub: Hub, route: Route, request: FastifyRequest, base: string): Promise<Principal | undefined> {
  const { authorization } = request.headers;
  if (route.access === 'optional' && (authorization === undefined || !/^bearer\b/i.test(authorization)))
    return undefined;
  return checked(hub, bearerOf(request), base);
}

/** Whoever uses the console; nobody in particular counts as no caller where a route needs none. */
async function consolePrincipal(hub: Hub, request: FastifyRequest, base: string): Promise<Principal | undefined> {
  return (await consoleCaller(hub, request, base))?.principal;
}

async function checked(hub: Hub, token: string | undefined, base: string): Promise<Principal> {
  try {
    if (token === undefined)
      throw new Failure('not-authorized', 'cannot tell who calls: send Authorization: Bearer <token>');
    return await hub.tokens.check(token);
  } catch (error) {
    if (!(error instanceof Failure) || error.status !== 401) throw error;
    throw new Failure(error.code, error.message, { headers: { 'www-authenticate': challengeHeader(hub, base) } });
  }
}

function demandOperator(hub: Hub, request: FastifyRequest, base: string): void {
  const secret = hub.config['operator-secret'];
  const [scheme, encoded = ''] = (request.headers.authorization ?? '').split(' ');
  const [user, ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  // Both are compared always, so that the time does not tell which one was wrong.
  const rightUser = equalSecrets(user ?? '', 'saadmin');
  const rightPassword = equalSecrets(password.join(':'), secret);
  if (secret !== '' && scheme === 'Basic' && rightUser && rightPassword) return;
  throw new Failure(
    'not-authorized',
    'cannot let you in: this is for the operator of the hub (setting operator-secret)',
    {
      headers: { 'www-authenticate': `Basic realm="Pantahub Health @ ${endpoint(hub, base)}"` },
    },
  );
}
