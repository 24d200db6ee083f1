import { hostname, networkInterfaces } from 'node:os';
import type { Config } from '../config/options.ts';
import { isHexId } from '../names/ids.ts';

/** Key of the user metadata that names whom a device follows (user documentation, "User metadata"). */
export const followKey = 'pvr-auto-follow.url';

/**
 * The device that metadata names, in the form in which it is stored and looked up: `<host> <user>/<device>` or
 * `<host> trails/<id>`, the host empty where none was given.
 * @returns null when the metadata says nothing about it; '' when it says that nobody is followed, or names nothing that
 * could be followed: one revision of a device, a part of one, or no address at all
 */
export function followedIn(meta: Record<string, unknown>): string | null {
  if (!Object.hasOwn(meta, followKey)) return null;
  const value = meta[followKey];
  return typeof value === 'string' ? normalized(value.trim()) : '';
}

function normalized(text: string): string {
  const hasHost = /^https?:\/\//i.test(text);
  if (!hasHost && !/^\/?[^/\s:?#]+\/[^/\s:?#]+\/?$/.test(text)) return '';
  const url = URL.parse(hasHost ? text : `http://host/${text.replace(/^\/+/, '')}`);
  if (url === null || url.hash !== '' || url.search !== '') return '';
  const parts = url.pathname.split('/').filter((part) => part !== '' && part !== '.pvrremote');
  if (parts.length !== 2) return '';
  return `${hasHost ? url.hostname : ''} ${parts.join('/')}`;
}

/** What a stored address names: a device by its id, or by the nick of its owner and its own. */
export function namedBy(follows: string): { host: string; id: string } | { host: string; user: string; nick: string } {
  const [host = '', path = ''] = follows.split(' ');
  const [user = '', nick = ''] = path.split('/');
  return user === 'trails' && isHexId(nick) ? { host, id: nick } : { host, user, nick };
}

/**
 * Names and addresses under which this hub is known. An address with another host is of another hub, whose users may have the same
 * nicks; what a request says as `Host` is not believed.
 */
export function ownHosts(config: Config): ReadonlySet<string> {
  const hostOf = (url: string) => URL.parse(url)?.hostname ?? '';
  const bare = (host: string) => hostOf(`http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}`);
  return new Set([
    '',
    ...['localhost', '127.0.0.1', '::1', config.host, hostname()].map(bare),
    ...Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => bare(address))),
    ...[config['public-url'], config['www-url']].map(hostOf),
    ...config['follow-hosts'].split(',').map((host) => bare(host.trim())),
  ]);
}

/** Every stored form of the address of a device. */
export function addressesOf(hosts: ReadonlySet<string>, device: { id: string; nick: string; user: string }): string[] {
  return [...hosts].flatMap((host) => [
    `${host} trails/${device.id}`,
    ...(device.user === '' ? [] : [`${host} ${device.user}/${device.nick}`]),
  ]);
}
