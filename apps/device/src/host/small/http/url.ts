/** The parts of an address that a client needs (RFC 3986 §3, RFC 9110 §4.2). */
import { HostError } from '../../ports.ts';

export interface HttpUrl {
  secure: boolean;
  /** Without brackets. */
  host: string;
  port: number;
  /** Field `Host`: the port only when it is not the usual one. */
  authority: string;
  /** Path and query. */
  target: string;
}

const pattern = /^(https?):\/\/(\[[0-9a-fA-F:.]+\]|[^/?#:@\s[\]]+)(?::(\d{1,5}))?([/?][^#\s]*)?(?:#.*)?$/;

/** Reads an address. Throws EINVAL for what is none; one with a password is none. */
export function parseUrl(text: string): HttpUrl {
  const match = pattern.exec(text);
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (!match || port === 0 || (port ?? 0) > 65535)
    throw new HostError('EINVAL', 'call', text, 'this is no address of the form http://host:port/path');
  const [, scheme, host = '', , rest = '/'] = match;
  const secure = scheme === 'https';
  const usual = secure ? 443 : 80;
  return {
    secure,
    host: host.replace(/^\[|\]$/g, ''),
    port: port ?? usual,
    authority: port === undefined || port === usual ? host : `${host}:${port}`,
    target: rest.startsWith('?') ? `/${rest}` : rest,
  };
}
