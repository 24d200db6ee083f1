/** `lxc.container.conf` of the template `builtin-lxc-docker` (pvr §8.7): the order of the lines is part of the format. */
import { effectiveConfig, type SourceManifest } from '../manifest.ts';
import { TemplateArguments } from './arguments.ts';
import { volumesOf } from './volumes.ts';

const relative = (path: string): string => path.replace(/^\/+/, '');

/** @param name of the app's directory */
export function renderLxcConfig(name: string, manifest: SourceManifest): string {
  const args = new TemplateArguments(manifest.args ?? {});
  const lines = [
    `lxc.tty.max = ${args.textOr('LXC_TTY_MAX', '8')}`,
    `lxc.pty.max = ${args.textOr('LXC_PTY_MAX', '1024')}`,
    ...(args.has('PV_DEBUG_MODE') ? [`lxc.log.file = /pv/logs/${name}.log`] : []),
    ...devices(args),
    ...args.list('PVR_LXC_CGROUP_V1').map((item) => `lxc.cgroup.${item}`),
    rootPath(name, manifest),
    `lxc.init.cmd = ${initCommand(manifest)}`,
    ...process(manifest, args),
    `lxc.namespace.keep = ${namespaces(args)}`,
    ...(args.has('PV_LXC_DISABLE_CONSOLE') ? ['lxc.console.path = none'] : []),
    `lxc.mount.auto = ${args.textOr('LXC_MOUNT_AUTO_PROC', 'proc')}  ${args.textOr('LXC_MOUNT_AUTO_SYS', 'sys:rw')}  ${args.textOr('LXC_MOUNT_AUTO_GROUP', 'cgroup')}`,
    ...(args.has('PV_DISABLE_AUTODEV') ? ['lxc.autodev = 0'] : []),
    ...systemMounts(args),
    ...volumeMounts(name, manifest),
    ...args.list('PV_LXC_CAP_DROP').map((capability) => `lxc.cap.drop = ${capability.toLowerCase()}`),
    ...args.list('PV_LXC_CAP_KEEP').map((capability) => `lxc.cap.keep = ${capability.toLowerCase()}`),
    ...network(args),
    ...(args.has('PV_LXC_EXTRA_CONF') ? [args.text('PV_LXC_EXTRA_CONF')!.replace(/\n$/, '')] : []),
    ...importMounts(name, args),
  ];
  return `${lines.join('\n')}\n`;
}

function devices(args: TemplateArguments): string[] {
  const white = args.list('PVR_LXC_CGROUP_DEVICES_WHITE');
  return white.length === 0
    ? ['lxc.cgroup.devices.allow = a']
    : ['lxc.cgroup.devices.deny = a', ...white.map((item) => `lxc.cgroup.devices.allow = ${item}`)];
}

function rootPath(name: string, { docker_ovl_digest, base }: SourceManifest): string {
  const overlay = docker_ovl_digest ? `/volumes/${name}/root.ovl.squashfs:` : '';
  return `lxc.rootfs.path = overlayfs:${overlay}/volumes/${base || name}/root.squashfs:/volumes/${name}/lxc-overlay/upper`;
}

function initCommand(manifest: SourceManifest): string {
  const { Entrypoint, Cmd } = effectiveConfig(manifest);
  const quoted = (words: readonly string[]): string[] => words.map((word) => `"${word}"`);
  if (typeof Entrypoint === 'string' && Entrypoint !== '') return Entrypoint;
  if (Array.isArray(Entrypoint) && Entrypoint.length > 0) {
    const [first = '', ...rest] = Entrypoint;
    const command = Array.isArray(Cmd) ? Cmd : Cmd ? [Cmd] : [];
    return [first, ...quoted(rest), ...quoted(command)].join(' ');
  }
  if (Array.isArray(Cmd) && Cmd.length > 0) return [Cmd[0], ...quoted(Cmd.slice(1))].join(' ');
  return typeof Cmd === 'string' && Cmd !== '' ? Cmd : '/sbin/init';
}

function process(manifest: SourceManifest, args: TemplateArguments): string[] {
  const { WorkingDir, Env } = effectiveConfig(manifest);
  return [
    ...(WorkingDir ? [`lxc.init.cwd = ${WorkingDir}`] : []),
    ...[...(Env ?? []), ...args.list('PV_LXC_EXTRA_ENV')].map((item) => `lxc.environment = ${item}`),
  ];
}

function namespaces(args: TemplateArguments): string {
  const given = args.text('PV_LXC_NAMESPACE_KEEP');
  if (given !== undefined) return given;
  const type = args.text('PV_LXC_NETWORK_TYPE') ?? 'host';
  // Two blanks between the words, as the original writes them.
  return ['user', ...(type === 'host' ? ['net'] : []), 'ipc'].join('  ');
}

const bind = (source: string, target: string, options: string): string =>
  `lxc.mount.entry = ${source} ${target} none ${options} 0 0`;

function systemMounts(args: TemplateArguments): string[] {
  const wholes: [string, string, string][] = [
    ['PV_SECURITY_FULLDEV', '/dev/', 'dev'],
    ['PV_SECURITY_WITH_HOST', '/', 'host'],
    ['PV_SECURITY_WITH_HOSTPROC', '/proc/', 'host/proc'],
    ['PV_SECURITY_WITH_STORAGE', '/storage', 'storage'],
  ];
  return [
    ...wholes
      .filter(([name]) => args.has(name))
      .map(([, source, target]) => bind(source, target, 'bind,rw,create=dir')),
    ...(args.has('PV_RESOLV_CONF_DISABLE')
      ? []
      : [bind('/etc/resolv.conf', args.textOr('PV_RESOLV_CONF_PATH', 'etc/resolv.conf'), 'bind,rw,create=file')]),
    ...(args.has('PV_RUN_TMPFS_DISABLE')
      ? []
      : [
          `lxc.mount.entry = tmpfs ${args.textOr('PV_RUN_TMPFS_PATH', 'run')} tmpfs rw,nodev,relatime,create=dir,mode=755 0 0`,
        ]),
  ];
}

function volumeMounts(name: string, manifest: SourceManifest): string[] {
  return volumesOf(manifest).flatMap(({ scheme, path, name: volume }) => {
    const source = `/volumes/${name}/${volume}`;
    if (scheme === '') return [bind(source, relative(path), 'bind,rw,create=dir')];
    if (scheme !== 'ovl') return [];
    const lower = `lowerdir=/volumes/${name}/root.squashfs${path},upperdir=${source}/upper,workdir=${source}/work`;
    return [`lxc.mount.entry = ${source} ${relative(path)} overlay ${lower},create=dir 0 0`];
  });
}

function network(args: TemplateArguments): string[] {
  switch (args.text('PV_LXC_NETWORK_TYPE')) {
    case 'empty':
      return ['lxc.net.0.type = empty'];
    case 'phys':
      return ['lxc.net.0.type = phys', `lxc.net.0.link =${args.textOr('PV_LXC_NETWORK_LINK', '')}`];
    case 'veth': {
      const address = args.text('PV_LXC_NETWORK_IPV4_ADDRESS');
      const ipv4 =
        address === undefined
          ? []
          : [
              `lxc.net.0.ipv4.address = ${address}`,
              `lxc.net.0.ipv4.gateway = ${args.text('PV_LXC_NETWORK_IPV4_GATEWAY') ?? 'auto'}`,
            ];
      return ['lxc.net.0.type = veth', 'lxc.net.0.link = lxcbr0', 'lxc.net.0.flags = up', ...ipv4];
    }
    default:
      return [];
  }
}

function importMounts(name: string, args: TemplateArguments): string[] {
  return [
    ...args
      .pairs('PV_FILEIMPORTS')
      .map(([source, target]) => bind(`/exports/${source}`, target, 'bind,rw,create=file')),
    ...args
      .pairs('PV_IMPORT_CONFIGVOLUMES')
      .map(([volume, target]) => bind(`/volumes/${volume}/${name}`, target, 'bind,rw,create=dir,optional,noexec')),
    ...args
      .pairs('PV_VOLUME_MOUNTS')
      .map(([volume, target]) => bind(`/volumes/${name}/${volume}`, target, 'bind,rw,create=dir')),
    ...args.list('PV_VOLUME_IMPORTS').map((item) => {
      const [container = '', volume = '', target = '', mode = 'rw'] = item.split(':');
      const [sub, path] = volume.includes('@') ? volume.split('@') : [undefined, volume];
      const below = sub === undefined ? '' : `/${sub}`;
      return bind(
        `/volumes/${container}/docker-${path!.replaceAll('/', '-')}${below}`,
        relative(target),
        `bind,${mode},create=dir`,
      );
    }),
  ];
}
