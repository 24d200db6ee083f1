import { randomBytes } from 'node:crypto';
import { consolePages } from '@pantavisor/hub-api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { baseUrl } from '../http/base-url.ts';
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

/** Serves the console beside the API: its files under `/console/`, and its page at every address that people know. */
export function serveConsole(app: FastifyInstance, hub: Hub): void {
  const console = ConsoleFiles.open(hub.config);
  const missing = typeof console === 'string' ? console : undefined;
  if (missing !== undefined) hub.log.warn(`cannot serve the console: ${missing}`);
  const files = typeof console === 'string' ? undefined : console;
  const page = (request: FastifyRequest, reply: FastifyReply) => {
    if (files === undefined) throw new Failure('no-such-route', `cannot show the console: ${missing}`);
    const nonce = randomBytes(16).toString('base64');
    return reply
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': policyOf(nonce, new URL(baseUrl(hub.config, request.raw)).origin),
        'cross-origin-opener-policy': 'same-origin',
        'referrer-policy': 'same-origin',
        'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      })
      .send(files.page.replaceAll('%NONCE%', nonce));
  };
  for (const url of new Set<string>([...consolePages, hub.config['signup-path']])) app.get(url, page);
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
