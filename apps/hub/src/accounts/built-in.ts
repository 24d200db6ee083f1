import { captchaPage, consolePages, type PrincipalType } from '@pantavisor/hub-api';
import type { Config } from '../config/options.ts';
import { prnOf } from '../names/ids.ts';

export interface BuiltIn {
  nick: string;
  prn: string;
  type: PrincipalType;
  role: string;
  password: string;
  redirectUris: string[];
}

const people = ['user1', 'user2', 'user3', 'examples'];
const kinds: [PrincipalType, string, string[]][] = [
  ['ADMIN', 'admin', ['admin']],
  ['USER', 'user', people],
  ['DEVICE', 'device', ['device1', 'device2']],
  ['SERVICE', 'service', ['service1', 'service2', 'service3']],
  ['CLIENT', 'client', ['client1']],
];
const redirects: Record<string, string[]> = {
  service1: ['https://api.fleet.pantahub.com', 'https://api.fleet2.pantahub.com', 'http://localhost'],
  client1: ['https://www.fleet.pantahub.com', 'https://www.fleet2.pantahub.com', 'http://localhost'],
};

/**
 * Accounts that need no database (hub-api §4.8): off unless asked for. Each is enabled by a password in
 * `PANTAHUB_DEMOACCOUNTS_PASSWORD_<nick>`; the setting demo-accounts enables all of them with their nick as password.
 */
export function builtInAccounts(config: Config, env: Record<string, string | undefined> = process.env): BuiltIn[] {
  return kinds.flatMap(([type, role, nicks]) =>
    nicks.flatMap((nick) => {
      const password = env[`PANTAHUB_DEMOACCOUNTS_PASSWORD_${nick}`] ?? (config['demo-accounts'] ? nick : undefined);
      if (password === undefined || password === '') return [];
      return [{ nick, prn: prnOf.builtIn(nick), type, role, password, redirectUris: redirects[nick] ?? [] }];
    }),
  );
}

export const findBuiltIn = (config: Config, name: string): BuiltIn | undefined =>
  builtInAccounts(config).find(({ nick, prn }) => nick === name || prn === name);

/** Nicks that people cannot have: the built-in ones, and the mounts that clone addresses would collide with. */
export const reservedNicks = new Set([
  ...kinds.flatMap(([, , nicks]) => nicks),
  'anon',
  'anonymous',
  ...'auth objects changes events devices trails plog logs healthz dash subscriptions metrics apps profiles cron callbacks exports tokens local-s3 s3 swagger console assets api'.split(
    ' ',
  ),
  ...[...consolePages, captchaPage].map((path) => path.split('/')[1] ?? ''),
  'about',
  'sessions',
  'fleet',
  'images',
]);
