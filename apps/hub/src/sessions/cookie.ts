import { consoleHeader } from '@pantavisor/hub-api';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../auth/principal.ts';
import { wwwUrl } from '../http/base-url.ts';
import { cookieOf } from '../http/cookies.ts';
import type { Hub } from '../hub.ts';

/** The prefix makes browsers refuse such a cookie from anybody but this host over HTTPS (RFC 6265bis §4.1.3.2). */
const nameOf = (base: string): string => (base.startsWith('https:') ? '__Host-pantahub-session' : 'pantahub-session');

/** Cookie that holds the secret of a session; an empty secret removes it. @param expires milliseconds since 1970 */
export function sessionCookie(base: string, secret: string, expires: number, now: number): string {
  const secure = base.startsWith('https:') ? '; Secure' : '';
  const seconds = secret === '' ? 0 : Math.max(0, Math.floor((expires - now) / 1000));
  return `${nameOf(base)}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`;
}

export const sessionSecret = (request: FastifyRequest, base: string): string | undefined =>
  cookieOf(request.headers.cookie, nameOf(base)) || undefined;

/**
 * Whether the console of this hub makes the request, and no page of another origin in the same browser. SameSite alone does not
 * tell other ports and subdomains apart. Scripts of the console send a header that no other origin is allowed; downloads that a
 * person follows are told by what the browser itself says about their origin.
 */
export function isFromConsole(hub: Hub, { headers, method }: FastifyRequest, base: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  if (headers.origin !== undefined && !isOwnOrigin(hub, headers.origin, headers.host, base)) return false;
  if (headers[consoleHeader] !== undefined) return true;
  if (method !== 'GET' && method !== 'HEAD') return false;
  // Over plain HTTP browsers leave Sec-Fetch-Site out; what the page was is still in Referer.
  return site !== undefined || isOwnOrigin(hub, headers.referer ?? '', headers.host, base);
}

function isOwnOrigin(hub: Hub, address: string, host: string | undefined, base: string): boolean {
  if (!URL.canParse(address)) return false;
  const { origin, host: theirs } = new URL(address);
  return theirs === host || [base, wwwUrl(hub.config, base)].some((own) => new URL(own).origin === origin);
}

/** Who the console acts for: the session of its cookie, nobody without one; undefined when it is not the console that asks. */
export async function consoleCaller(
  hub: Hub,
  request: FastifyRequest,
  base: string,
): Promise<{ id?: string; principal: Principal } | undefined> {
  if (request.headers.authorization !== undefined) return undefined;
  const secret = sessionSecret(request, base);
  if (secret === undefined && request.headers[consoleHeader] === undefined) return undefined;
  if (!isFromConsole(hub, request, base)) return undefined;
  return secret === undefined ? { principal: hub.tokens.nobody() } : hub.sessions.principal(hub, secret);
}
