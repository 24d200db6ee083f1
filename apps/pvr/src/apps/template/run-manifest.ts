/** `run.json` of the template `builtin-lxc-docker` (pvr §8.7). */
import type { SourceManifest } from '../manifest.ts';
import { TemplateArguments } from './arguments.ts';
import { volumesOf } from './volumes.ts';

/** An app that is only mounted, for others to use: it has no process, so no LXC configuration. */
export function isMountedOnly(manifest: SourceManifest): boolean {
  const args = new TemplateArguments(manifest.args ?? {});
  return args.text('PV_RUNLEVEL') === 'data' || args.text('PV_STATUS_GOAL') === 'MOUNTED';
}

/**
 * @param group the app's group, when there is one
 */
export function makeRunManifest(
  name: string,
  manifest: SourceManifest,
  group: string | undefined,
): Record<string, unknown> {
  const args = new TemplateArguments(manifest.args ?? {});
  const mountedOnly = isMountedOnly(manifest);
  const optional = (member: string, value: unknown): [string, unknown][] =>
    value === undefined ? [] : [[member, value]];
  const required = args.json('PV_SERVICES_REQUIRED');
  const wanted = args.json('PV_SERVICES_OPTIONAL');
  return Object.fromEntries([
    ['#spec', 'service-manifest-run@1'],
    ['name', name],
    ...(mountedOnly ? [] : [['config', 'lxc.container.conf'] as [string, unknown]]),
    ...optional('conditions', args.json('PV_CONDITIONS')),
    [
      'drivers',
      {
        manual: args.list('PV_DRIVERS_MANUAL'),
        required: args.list('PV_DRIVERS_REQUIRED'),
        optional: args.list('PV_DRIVERS_OPTIONAL'),
      },
    ],
    ...optional('group', group),
    ...optional('runlevel', args.text('PV_RUNLEVEL')),
    ...optional('restart_policy', args.text('PV_RESTART_POLICY')),
    ...optional('status_goal', args.text('PV_STATUS_GOAL')),
    ...optional('automodfw', args.text('PV_AUTOMODFW')),
    ...optional('remount', args.json('PV_REMOUNT')),
    ...optional('network', network(name, args)),
    ...optional('auto_recovery', args.json('PV_AUTO_RECOVERY')),
    ...optional(
      'services',
      required === undefined && wanted === undefined
        ? undefined
        : { ...(required === undefined ? {} : { required }), ...(wanted === undefined ? {} : { optional: wanted }) },
    ),
    ['storage', storage(manifest)],
    ...(mountedOnly
      ? []
      : [
          ...optional('exports', manifest.exports?.length ? manifest.exports : undefined),
          ...optional('logs', manifest.logs?.length ? manifest.logs : undefined),
          ['type', 'lxc'] as [string, unknown],
          ...optional('roles', args.json('PV_ROLES')),
        ]),
    ['root-volume', rootVolume(manifest)],
    ['volumes', extraVolumes(manifest, args)],
  ]);
}

function network(name: string, args: TemplateArguments): Record<string, unknown> | undefined {
  const pool = args.text('PV_NETWORK_POOL');
  if (pool === undefined) return undefined;
  const ip = args.text('PV_NETWORK_IP');
  const mac = args.text('PV_NETWORK_MAC');
  return {
    pool,
    hostname: args.text('PV_NETWORK_HOSTNAME') ?? name,
    ...(ip === undefined ? {} : { ip }),
    ...(mac === undefined ? {} : { mac }),
  };
}

function storage(manifest: SourceManifest): Record<string, unknown> {
  const overlay = manifest.persistence?.['lxc-overlay'] ?? 'boot';
  const entries = volumesOf(manifest).map(({ name, persistence, disk }) => [
    name,
    { persistence, ...(disk === undefined ? {} : { disk }) },
  ]);
  const [persistence = 'boot', disk] = overlay.split('@');
  return Object.fromEntries([...entries, ['lxc-overlay', { persistence, ...(disk === undefined ? {} : { disk }) }]]);
}

function rootVolume({ dm_enabled = {}, docker_ovl_digest, base }: SourceManifest): string {
  const file = docker_ovl_digest && base ? 'root.ovl.squashfs' : 'root.squashfs';
  return dm_enabled[file] ? `dm:${file}` : file;
}

function extraVolumes({ dm_enabled = {}, docker_ovl_digest, base }: SourceManifest, args: TemplateArguments): string[] {
  const named = (args.text('PV_EXTRA_VOLUMES') ?? '').split(',').map((item) => item.trim());
  const all = [...named.filter((item) => item !== ''), ...args.pairs('PV_VOLUME_MOUNTS').map(([volume]) => volume)];
  if (docker_ovl_digest && !base) all.push('root.ovl.squashfs');
  return all.map((volume) => (dm_enabled[volume] ? `dm:${volume}` : volume));
}
