import { sessionRoutes, type Viewer } from '@pantavisor/hub-api';
import { logInAs } from '../auth/login.ts';
import { type Claims, type Principal, principalOf } from '../auth/principal.ts';
import { configuredProviders } from '../auth/providers.ts';
import { wwwUrl } from '../http/base-url.ts';
import { Answer, type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { version } from '../version.ts';
import { consoleCaller, isFromConsole, sessionCookie } from './cookie.ts';

/** A token makes a session only so long after the sign-in, so that an old one does not live on. */
const freshSeconds = 120;

/** Kinds of accounts that are people. */
const people = new Set(['USER', 'SESSION', 'ADMIN']);

function wireViewer(principal: Principal | undefined, outerNick = ''): Viewer {
  if (principal === undefined || principal.anonymous)
    return { prn: '', nick: '', type: '', admin: false, 'acting-for': '' };
  const { prn, nick, type, admin } = principal;
  return { prn, nick, type, admin, 'acting-for': outerNick };
}

function demandConsole(hub: Hub, call: Parameters<typeof isFromConsole>[1], base: string): void {
  if (!isFromConsole(hub, call, base))
    throw new Failure('not-permitted', 'cannot log in: sessions are for the console of this hub; use /auth/login');
}

/**
 * Who wants a session: somebody with a password, or with the token that a sign-in elsewhere just ended with, where the console
 * has another origin than the hub and could not get a cookie from there.
 */
async function claimsOf(
  hub: Hub,
  { username = '', password = '', token }: { username?: string; password?: string; token?: string },
  address: string,
): Promise<Claims> {
  if (token === undefined) return (await logInAs(hub, { username, password, address })).claims;
  const { claims } = await hub.tokens.check(token);
  if (hub.clock() / 1000 - (claims.orig_iat ?? 0) > freshSeconds)
    throw new Failure('not-authorized', 'cannot log in: this sign-in is too long ago; sign in again');
  return claims;
}

/** Handlers of `/about` and `/sessions`. */
export const sessionHandlers: Served[] = [
  serve(sessionRoutes.about, ({ hub, base }) => ({
    version,
    'sign-up': hub.config['sign-up'],
    captcha: hub.config.captcha,
    ...(hub.config.captcha && hub.config['captcha-site-key'] !== ''
      ? { 'captcha-widget': { script: hub.config['captcha-script'], 'site-key': hub.config['captcha-site-key'] } }
      : {}),
    providers: configuredProviders(),
    'clone-url': wwwUrl(hub.config, base),
  })),
  serve(sessionRoutes.create, async ({ hub, body, address, request, base }) => {
    demandConsole(hub, request, base);
    const claims = await claimsOf(hub, body, address);
    const principal = principalOf(claims);
    if (!people.has(claims.type) || principal.anonymous || claims.token_id !== undefined)
      throw new Failure('wrong-caller-type', 'cannot log in here: the console is for people with a password');
    const agent = request.headers['user-agent'] ?? '';
    const { secret, expires } = await hub.sessions.begin(hub, claims, { agent, address });
    const outer = claims['call-as'] === undefined ? '' : claims.nick;
    return new Answer(200, wireViewer(principal, outer), {
      'set-cookie': sessionCookie(base, secret, expires, hub.clock()),
    });
  }),
  serve(sessionRoutes.viewer, async ({ hub, request, base }) => {
    try {
      return wireViewer((await consoleCaller(hub, request, base))?.principal);
    } catch (error) {
      if (!(error instanceof Failure) || error.status !== 401) throw error;
      return new Answer(200, wireViewer(undefined), { 'set-cookie': sessionCookie(base, '', 0, 0) });
    }
  }),
  serve(sessionRoutes.list, async ({ hub, caller, request, base }) => {
    const current = await consoleCaller(hub, request, base);
    return hub.sessions.list(hub, caller.prn, current?.id);
  }),
  serve(sessionRoutes.end, async ({ hub, request, base }) => {
    demandConsole(hub, request, base);
    const current = await consoleCaller(hub, request, base).catch(() => undefined);
    if (current?.id !== undefined) await hub.sessions.end(hub, current.principal.prn, current.id);
    return new Answer(200, { status: 'OK' }, { 'set-cookie': sessionCookie(base, '', 0, 0) });
  }),
  serve(sessionRoutes.remove, async ({ hub, caller, params }) => {
    if (!(await hub.sessions.end(hub, caller.prn, params.id)))
      throw new Failure('not-found', `cannot end session ${params.id}: there is none with this id`);
    return { status: 'OK' };
  }),
];
