import { randomBytes } from 'node:crypto';
import { captchaPage, consolePages } from '@pantavisor/hub-api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { baseUrl, wwwUrl } from '../http/base-url.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { ConsoleFiles } from './files.ts';

/** Files whose name holds the hash of their content never change. */
const forever = 'public, max-age=31536000, immutable';

/**
 * What the page of the console may do (Content Security Policy 3): run scripts of this hub and talk to it, nothing else. Only
 * style elements that carry the nonce of this answer count, because the component library writes its variables into some.
 */
function policyOf(nonce: string, origin: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    `connect-src 'self' ${origin}`,
    "font-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/**
 * What the page with a captcha may do: run the provider's scripts, let them ask the provider, and post the sign-up to this hub. It
 * reaches no other route, opens no windows and has no frames of the hub, so that even in the browser of somebody who is logged in
 * those scripts can do nothing in their name.
 */
function captchaPolicyOf({ config }: Hub, base: string): string {
  const sources = config['captcha-sources'];
  const origins = [...new Set([base, wwwUrl(config, base)].map((address) => new URL(address).origin))];
  const asked = origins.flatMap((origin) => [`${origin}/about`, `${origin}/auth/accounts`]).join(' ');
  return [
    "default-src 'none'",
    `script-src 'self' ${sources}`,
    `style-src 'self' 'unsafe-inline' ${sources}`,
    `img-src 'self' data: ${sources}`,
    `font-src 'self' ${sources}`,
    `connect-src ${asked} ${sources}`,
    `frame-src ${sources}`,
    "worker-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    'sandbox allow-scripts allow-same-origin',
  ].join('; ');
}

/** Serves the console beside the API: its files under `/console/`, and its page at every address that people know. */
export function serveConsole(app: FastifyInstance, hub: Hub): void {
  const console = ConsoleFiles.open(hub.config);
  const missing = typeof console === 'string' ? console : undefined;
  if (missing !== undefined) hub.log.warn(`cannot serve the console: ${missing}`);
  const files = typeof console === 'string' ? undefined : console;
  const send = (reply: FastifyReply, html: (files: ConsoleFiles) => string, policy: string) => {
    if (files === undefined) throw new Failure('no-such-route', `cannot show the console: ${missing}`);
    return reply
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': policy,
        'cross-origin-opener-policy': 'same-origin',
        'referrer-policy': 'same-origin',
        'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      })
      .send(html(files));
  };
  const page = (request: FastifyRequest, reply: FastifyReply) => {
    const nonce = randomBytes(16).toString('base64');
    const { origin } = new URL(baseUrl(hub.config, request.raw));
    return send(reply, (all) => all.page.replaceAll('%NONCE%', nonce), policyOf(nonce, origin));
  };
  for (const url of consolePages) app.get(url, page);
  // The address that clients print may be another one. Browsers take the fragment with them (RFC 9110 §10.2.2).
  const signUp: string = hub.config['signup-path'];
  if (!(consolePages as readonly string[]).includes(signUp))
    app.get(signUp, (request, reply) => reply.redirect(`/signup${new URL(request.url, 'http://hub').search}`, 302));
  if (hub.config.captcha && hub.config['captcha-site-key'] !== '')
    app.get(captchaPage, (request, reply) =>
      send(reply, (all) => all.captcha, captchaPolicyOf(hub, baseUrl(hub.config, request.raw))),
    );
  app.get('/console/*', (request, reply) => {
    const name = (request.params as { '*': string })['*'];
    const found = files?.get(name, request.headers['accept-encoding'] ?? '');
    if (found === undefined) throw new Failure('no-such-route', `cannot find '${name}' in the console`);
    return reply
      .headers({
        'content-type': found.type,
        'cache-control': name.startsWith('assets/') ? forever : 'no-cache',
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
        vary: 'Accept-Encoding',
        ...(found.encoding === undefined ? {} : { 'content-encoding': found.encoding }),
      })
      .send(found.content);
  });
}
