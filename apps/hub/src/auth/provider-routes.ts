import { authRoutes, scopeName } from '@pantavisor/hub-api';
import { wwwUrl } from '../http/base-url.ts';
import { Answer, type Served, serve } from '../http/call.ts';
import { cookieOf } from '../http/cookies.ts';
import { Failure } from '../http/failure.ts';
import { sessionCookie } from '../sessions/cookie.ts';
import { beginSignIn, findProvider, finishSignIn, targetAllowed } from './providers.ts';

const stateCookie = 'oauthstate';
const targetCookie = 'redirecturi';
const cookie = (name: string, value: string, seconds: number) =>
  `${name}=${encodeURIComponent(value)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}`;
const callbackOf = (base: string, service: string) => `${base}/auth/oauth/callback/${service}`;

const withError = (target: string, message: string) =>
  `${target}${target.includes('?') ? '&' : '?'}error=${encodeURIComponent(message)}`;

/** Sign-in with other identity providers (hub-api §4.6). */
export const providerHandlers: Served[] = [
  serve(authRoutes.providerLogin, ({ hub, params, query, base, request }) => {
    const provider = findProvider(params.service);
    // The provider sends the browser back to the hub's own address: the cookies must be from there, too.
    if (query.moved === undefined && new URL(base).host !== request.headers.host) {
      const again = new URLSearchParams({ redirect_uri: query.redirect_uri ?? '', moved: '1' });
      return new Answer(307, '', { location: `${base}/auth/oauth/login/${params.service}?${again}` });
    }
    const target = query.redirect_uri ?? '';
    if (target !== '' && !targetAllowed(target, [base, wwwUrl(hub.config, base)]))
      throw new Failure('bad-request', 'cannot sign in: redirect_uri is neither of this hub nor of this machine');
    const { location, state } = beginSignIn(provider, callbackOf(base, params.service));
    return new Answer(307, '', {
      location,
      'set-cookie': [cookie(stateCookie, state, 600), cookie(targetCookie, target, 600)],
    });
  }),
  serve(authRoutes.providerCallback, async ({ hub, params, query, base, request, address }) => {
    const provider = findProvider(params.service);
    const { cookie: cookies } = request.headers;
    const target = cookieOf(cookies, targetCookie) ?? '';
    const used = [cookie(stateCookie, '', 0), cookie(targetCookie, '', 0)];
    const gone = { 'set-cookie': used };
    const safe = target !== '' && targetAllowed(target, [base, wwwUrl(hub.config, base)]);
    try {
      if (query.error !== undefined)
        throw new Failure('not-permitted', `cannot sign in: ${provider.name} says ${query.error}`);
      const claims = await finishSignIn(hub, provider, {
        code: query.code ?? '',
        state: query.state ?? '',
        expectedState: cookieOf(cookies, stateCookie) ?? '',
        callback: callbackOf(base, params.service),
      });
      if (safe && new URL(target).origin === new URL(base).origin) {
        // The console is in the same origin: a cookie that its scripts cannot read, and no token in an address.
        const agent = request.headers['user-agent'] ?? '';
        const { secret, expires } = await hub.sessions.begin(hub, claims, { agent, address });
        const session = sessionCookie(base, secret, expires, hub.clock());
        return new Answer(307, undefined, { 'set-cookie': [...used, session], location: target });
      }
      const token = await hub.tokens.issue(claims);
      if (safe) return new Answer(307, undefined, { ...gone, location: `${target}#token=${token}` });
      return new Answer(200, { token, token_type: 'bearer', scopes: scopeName('all') }, gone);
    } catch (error) {
      if (!safe || !(error instanceof Failure)) throw error;
      return new Answer(307, undefined, { ...gone, location: withError(target, error.message) });
    }
  }),
];
