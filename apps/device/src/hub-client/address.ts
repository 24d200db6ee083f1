/** Where the Hub is, and what the device says of itself there (config.md §9, hub-client §1.1). */
import type { DeviceConfig } from '../config/table.ts';
import type { HttpProxy } from '../host/http-client.ts';

/**
 * Base URL without a slash at the end. The original knows https only; a host that is written with `http://` in front of it is asked in the
 * clear, for a Hub on one's own desk.
 */
export function hubAddress({
  PH_CREDS_HOST,
  PH_CREDS_PORT,
}: Pick<DeviceConfig, 'PH_CREDS_HOST' | 'PH_CREDS_PORT'>): string {
  const plain = PH_CREDS_HOST.startsWith('http://');
  const host = PH_CREDS_HOST.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  // An IPv6 address has colons of its own.
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `${plain ? 'http' : 'https'}://${name}:${PH_CREDS_PORT}`;
}

/** The proxy on the way to the Hub; undefined when there is none (hub-client §1.1). */
export function proxyOf({
  PH_CREDS_PROXY_HOST: name = '',
  PH_CREDS_PROXY_PORT: port,
  PH_CREDS_PROXY_NOPROXYCONNECT: direct,
}: Pick<DeviceConfig, 'PH_CREDS_PROXY_HOST' | 'PH_CREDS_PROXY_PORT' | 'PH_CREDS_PROXY_NOPROXYCONNECT'>):
  | HttpProxy
  | undefined {
  const host = name.replace(/^http:\/\//, '').replace(/^\[|\]?\/*$/g, '');
  return host === '' ? undefined : { host, port, tunnel: direct === 0 };
}

/** The `User-Agent`; a Hub refuses devices that have none. */
export function userAgent(machine: string, version: string): string {
  return `Pantavisor/2 (Linux; ${machine}) PV/${version}`;
}
