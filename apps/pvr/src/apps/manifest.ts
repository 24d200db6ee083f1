/** `src.json`: where an app comes from and how it is to run (pvr §8.2). */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import type { RunConfig } from './image/image.ts';

export interface SourceManifest {
  base?: string;
  name?: string;
  '#spec': string;
  template?: string;
  args?: Record<string, unknown>;
  dm_enabled?: Record<string, boolean>;
  logs?: unknown[];
  exports?: unknown[];
  config?: RunConfig;
  docker_name?: string;
  docker_tag?: string;
  docker_digest?: string;
  docker_ovl_digest?: string;
  docker_source?: string;
  docker_config?: RunConfig;
  docker_platform?: string;
  format_options?: string;
  pvr?: string;
  pvr_digest?: string;
  rootfs_url?: string;
  rootfs_digest?: string;
  persistence?: Record<string, string>;
  [other: string]: unknown;
}

const order = [
  'base',
  'name',
  '#spec',
  'template',
  'args',
  'dm_enabled',
  'logs',
  'exports',
  'config',
  'docker_name',
  'docker_tag',
  'docker_digest',
  'docker_ovl_digest',
  'docker_source',
  'docker_config',
  'docker_platform',
  'format_options',
  'pvr',
  'pvr_digest',
  'rootfs_url',
  'rootfs_digest',
  'persistence',
];

/** @throws Failure `app-missing`, `app-invalid`, both with exit code 3 */
export function readSourceManifest(root: string, app: string): SourceManifest {
  const path = join(root, app, 'src.json');
  if (!existsSync(path))
    throw new Failure('app-missing', `cannot find the app ${app}: there is no ${path}`, {
      exitCode: 3,
      hint: "'pvr app ls' lists the apps",
    });
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as SourceManifest;
  } catch (cause) {
    throw new Failure('app-invalid', `cannot read ${path}: ${(cause as Error).message}`, { cause, exitCode: 3 });
  }
}

/** Writes known members in their order, then all others: what somebody else put there stays. */
export function writeSourceManifest(root: string, app: string, manifest: SourceManifest): void {
  const isEmpty = (value: unknown): boolean =>
    value === undefined ||
    value === '' ||
    value === null ||
    (typeof value === 'object' && Object.keys(value).length === 0);
  const names = [...order, ...Object.keys(manifest).filter((name) => !order.includes(name))];
  const members = names
    .filter((name) => name === '#spec' || !isEmpty(manifest[name]))
    .map((name) => [name, manifest[name]]);
  writeFileSync(join(root, app, 'src.json'), JSON.stringify(Object.fromEntries(members), null, 4));
}

/** Configuration of the image with the app's own over it, member by member; null changes nothing. */
export function effectiveConfig({ docker_config = {}, config = {} }: SourceManifest): RunConfig {
  return { ...docker_config, ...Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null)) };
}

/** Name of an app as given on the command line. @throws Failure `app-name` */
export function appName(text: string): string {
  const name = text.replace(/^\/+|\/+$/g, '');
  if (
    name === '' ||
    name.split('/').some((part) => part === '' || part === '.' || part === '..') ||
    /^\.pvr?(\/|$)/.test(name)
  )
    throw new Failure('app-name', `cannot use ${JSON.stringify(text)} as the name of an app`, { exitCode: 2 });
  return name;
}
