/** Where the Hub is, and what the device says of itself there (config.md §9, hub-client §1.1). */
import type { DeviceConfig } from '../config/table.ts';

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

/** The `User-Agent`; a Hub refuses devices that have none. */
export function userAgent(machine: string, version: string): string {
  return `Pantavisor/2 (Linux; ${machine}) PV/${version}`;
}
