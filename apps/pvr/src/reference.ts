/** What stands for a repository on the command line (pvr §3). */
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { basename, resolve } from 'node:path';
import { Failure } from '@pantavisor/cli';

/** Where a repository is: behind the transfer protocol, in files, or on a device. */
export type Location =
  | { kind: 'remote'; url: string }
  | { kind: 'path'; path: string }
  /** An export behind an address. */
  | { kind: 'archive'; url: string }
  | { kind: 'socket'; path: string }
  | { kind: 'ssh'; host: string; port?: string; socket?: string };

export interface Reference {
  location: Location;
  /** As stored in the config of a repository. */
  text: string;
  fragment: Fragment;
}

/** Which keys a reference means: all, or some parts, less others. */
export interface Fragment {
  parts: readonly string[];
  unparts: readonly string[];
}

export const wholeState: Fragment = { parts: [], unparts: [] };

/** Reads `a,b/,-c`. */
export function readFragment(text: string): Fragment {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return {
    parts: names.filter((name) => !name.startsWith('-')).map(withoutSlash),
    unparts: names.filter((name) => name.startsWith('-')).map((name) => withoutSlash(name.slice(1))),
  };
}

const withoutSlash = (name: string): string => name.replace(/\/+$/, '');

/** True when the key is the part or lies below it; `app1` does not select `app1x/f`. */
export function isBelow(key: string, part: string): boolean {
  return key === part || key.startsWith(`${part}/`);
}

/** Whether a fragment selects a key of the other side. */
export function selects({ parts, unparts }: Fragment, key: string): boolean {
  return (
    (parts.length === 0 || parts.some((part) => isBelow(key, part))) && !unparts.some((part) => isBelow(key, part))
  );
}

/**
 * Understands what was given: an address, an IP of a device, `user/device`, a path, `unix:<socket>`,
 * `ssh://[user@]host[:port][/socket]`.
 * @param cloneUrl what `user/device` is looked for below
 * @throws Failure `reference-invalid`
 */
export function readReference(text: string, directory: string, cloneUrl: string): Reference {
  const hash = text.indexOf('#');
  const base = hash < 0 ? text : text.slice(0, hash);
  const fragment = hash < 0 ? wholeState : readFragment(decodeURIComponentSafely(text.slice(hash + 1)));
  const of = (location: Location, stored: string): Reference => ({
    location,
    text: hash < 0 ? stored : `${stored}${text.slice(hash)}`,
    fragment,
  });
  if (base.startsWith('unix:')) return of({ kind: 'socket', path: resolve(directory, base.slice(5)) }, base);
  if (base.startsWith('ssh://')) return of(readSsh(base), base);
  if (/^https?:\/\//.test(base)) {
    const isArchive = /\.(tgz|tar|tar\.gz)$/i.test(base.replace(/\?.*$/s, ''));
    return of(isArchive ? { kind: 'archive', url: base } : { kind: 'remote', url: base.replace(/\/+$/, '') }, base);
  }
  if (isIP(base) !== 0) {
    const url = `http://${isIP(base) === 6 ? `[${base}]` : base}:12368/cgi-bin/pvr`;
    return of({ kind: 'remote', url }, url);
  }
  const path = resolve(directory, base);
  if (base !== '' && existsSync(path)) return of({ kind: 'path', path }, path);
  const names = base.split('/');
  if (names.length === 2 && names.every((name) => /^[\w.-]+$/.test(name) && !/^\.+$/.test(name))) {
    const url = `${cloneUrl}/${base}`;
    return of({ kind: 'remote', url }, url);
  }
  const hint =
    'give an address, <user>/<device>, the IP of a device, unix:<socket>, ssh://<host>, a directory or an export';
  const reason = names.length === 1 ? 'device nick is missing, and there is no such file' : 'there is no such file';
  throw new Failure('reference-invalid', `cannot find ${JSON.stringify(text)}: ${reason}`, { hint, exitCode: 3 });
}

function readSsh(text: string): Location {
  const { username, hostname, port, pathname } = new URL(text);
  if (hostname === '' || hostname.startsWith('-') || username.startsWith('-'))
    throw new Failure('reference-invalid', `cannot understand ${text}: it names no host`, { exitCode: 3 });
  return {
    kind: 'ssh',
    host: username === '' ? hostname : `${decodeURIComponent(username)}@${hostname}`,
    ...(port === '' ? {} : { port }),
    ...(pathname === '' || pathname === '/' ? {} : { socket: pathname }),
  };
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Directory that `pvr clone` makes for a reference when none is named. */
export function cloneDirectory(text: string): string {
  const base = text.split('#')[0]!.replace(/\/+$/, '');
  if (base.startsWith('ssh://')) return new URL(base).hostname;
  return (
    basename(/^https?:\/\//.test(base) ? new URL(base).pathname : base).replace(/\.(tgz|tar\.gz|tar)$/i, '') || 'pvr'
  );
}
