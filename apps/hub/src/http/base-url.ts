import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Config } from '../config/options.ts';

/**
 * Scheme and host under which the client of this request reaches the hub. A configured address wins. Devices send `Host`
 * without a port (hub-client §1.1), so the port of the socket is added where it is not the usual one.
 */
export function baseUrl(config: Config, { headers, socket }: IncomingMessage): string {
  if (config['public-url'] !== '') return config['public-url'].replace(/\/+$/, '');
  const forwarded = (name: string) =>
    config['trust-proxy']
      ? String(headers[name] ?? '')
          .split(',')[0]
          ?.trim() || undefined
      : undefined;
  const scheme = forwarded('x-forwarded-proto') ?? ((socket as TLSSocket).encrypted === true ? 'https' : 'http');
  const host = forwarded('x-forwarded-host') ?? headers.host ?? `${config.host}:${socket.localPort}`;
  // Only characters of a host and port: the text goes into addresses and headers.
  const safe = /^[\w.:[\]-]+$/.test(host) ? host : `${config.host}:${socket.localPort}`;
  if (/:\d+$/.test(safe) || config['trust-proxy']) return `${scheme}://${safe}`;
  const usual = scheme === 'https' ? 443 : 80;
  return `${scheme}://${safe}${socket.localPort === usual ? '' : `:${socket.localPort}`}`;
}

/** Address of the web console, for links that people follow. */
export function wwwUrl(config: Config, base: string): string {
  return config['www-url'] === '' ? base : config['www-url'].replace(/\/+$/, '');
}

/**
 * The path that routes are matched against: absolute-form targets lose scheme and authority (RFC 9112 §3.2.2), repeated
 * slashes become one.
 */
export function routedPath(target: string): string {
  if (target.startsWith('/') && !target.includes('//')) return target;
  const path = target.startsWith('/') ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '') || '/';
  const query = path.indexOf('?');
  const head = query < 0 ? path : path.slice(0, query);
  const rooted = head.startsWith('/') ? head : `/${head}`;
  return rooted.includes('//') || head !== rooted
    ? rooted.replaceAll(/\/{2,}/g, '/') + (query < 0 ? '' : path.slice(query))
    : path;
}
