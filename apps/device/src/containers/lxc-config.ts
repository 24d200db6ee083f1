/**
 * The LXC configuration a container is started with: what the state brings, made to fit this machine, and what the runtime adds
 * (containers.md §3.1).
 */
import { encodeWords, isPlain, splitCommand } from './init-command.ts';
import { hasKey, type LxcLine, lastValue } from './lxc-text.ts';

/** How control groups are mounted: all v1, v1 with an empty v2 tree beside it, or v2 alone. */
export type ControlGroupLayout = 'legacy' | 'hybrid' | 'unified';

/** One directory or file of the host that the container sees. */
export interface BindEntry {
  source: string;
  /** Path in the container, without the leading slash. */
  target: string;
  kind: 'directory' | 'file';
  readOnly: boolean;
  /** The container starts without it when LXC cannot mount it. */
  optional?: true;
}

/** Address of a container on a pool's bridge (network.md §3.2). */
export interface PoolAttachment {
  bridge: string;
  /** `a.b.c.d/n` */
  address: string;
  gateway: string;
  hardwareAddress: string;
  hostname?: string;
}

export interface LxcContext {
  name: string;
  group: string;
  layout: ControlGroupLayout;
  /** Control group below which the container's own is made. */
  controlGroup: string;
  /** Empty directory on which LXC builds the root file system. */
  rootfsMount: string;
  /** Directory of the state's configuration file; relative paths in it start here. */
  directory: string;
  /** Directories that the state's paths mean on this device; equal ones need no entry. */
  relocate: readonly { from: string; to: string }[];
  /** Directory that becomes the topmost lower layer of the root overlay (§3.2). */
  configLayer?: string;
  binds: readonly BindEntry[];
  /** Programs of the installation that LXC runs when the root file system is mounted. */
  mountHooks: readonly string[];
  attachment?: PoolAttachment;
  consoleLog: string;
  /** Socket that /dev/log stands for: on the host, and as the container sees it. */
  logSocket?: { source: string; inside: string };
  /** Path in the container of the program that starts init; absent when the host has none. */
  starter?: string;
  /** The kernel has AppArmor and nobody has loaded LXC's profiles: containers that name none run without. */
  withoutProfiles?: boolean;
}

/** Settings of the state's that only mean something to one family of control groups. */
const limitsV1 = /^lxc\.cgroup\.(?!dir$|dir\.|relative$)/;
const limitsV2 = /^lxc\.cgroup2\./;
const devicesV2 = /^lxc\.cgroup2\.devices\./;

/** Keys whose value is one path, and may be relative to the directory of the configuration. */
const pathKeys = /^lxc\.(include|seccomp\.profile|mount\.fstab|log\.file|console\.logfile|hook\.[a-z-]+)$/;

/** Makes the configuration. Pure; the order of the state's own lines is kept and the runtime's lines follow them. */
export function composeLxcConfig(state: readonly LxcLine[], context: LxcContext): LxcLine[] {
  const { name, layout } = context;
  const lines: LxcLine[] = [];
  for (const line of state) {
    if (line.key === undefined) lines.push(line);
    else if (line.key === 'lxc.init.cmd') continue;
    else if (!isForeignLimit(line.key, layout))
      lines.push({ key: line.key, value: fitValue(line.key, line.value, context) });
  }
  const add = (key: string, value: string) => lines.push({ key, value });
  const addDefault = (key: string, value: string) => {
    if (!hasKey(state, key)) add(key, value);
  };

  add('lxc.rootfs.mount', context.rootfsMount);
  addDefault('lxc.uts.name', name);
  addDefault('lxc.console.logfile', context.consoleLog);
  addDefault('lxc.cgroup.dir', context.controlGroup);
  if (layout === 'unified') add('lxc.cgroup2.devices.allow', 'a');
  if (context.withoutProfiles === true) {
    addDefault('lxc.apparmor.profile', 'unconfined');
    addDefault('lxc.apparmor.allow_incomplete', '1');
  }
  const init = splitCommand(lastValue(state, 'lxc.init.cmd') ?? '');
  add('lxc.init.cmd', initCommand(init, context, starterLink(state, context)));
  for (const bind of context.binds) add('lxc.mount.entry', formatBind(bind));
  if (context.logSocket !== undefined && starterLink(state, context) === undefined)
    lines.push(deviceLog(state, context.logSocket));
  for (const hook of context.mountHooks) add('lxc.hook.mount', hook);
  if (context.attachment !== undefined) lines.splice(0, lines.length, ...attach(lines, context.attachment));
  return lines;
}

/**
 * /dev/log as a symbolic link into /pantavisor, where the next runtime puts its socket under the same name: a socket that is mounted
 * would stay the dead one of this runtime. Where /dev is not the container's own, mounting is all that can be done.
 */
function deviceLog(state: readonly LxcLine[], { source, inside }: { source: string; inside: string }): LxcLine {
  if (lastValue(state, 'lxc.autodev') === '0')
    return { key: 'lxc.mount.entry', value: formatBind({ source, target: 'dev/log', kind: 'file', readOnly: false }) };
  return { key: 'lxc.hook.autodev', value: `sh -c 'ln -sfn ${inside} "$LXC_ROOTFS_MOUNT/dev/log"'` };
}

/**
 * What /dev/log leads to when the starter makes the link, which costs nothing: a hook is two shells and a program a start. It cannot when
 * init is not root, since /dev is root's.
 */
function starterLink(state: readonly LxcLine[], { starter, logSocket }: LxcContext): string | undefined {
  const isOwnDev = lastValue(state, 'lxc.autodev') !== '0';
  const isRoot = /^0?$/.test(lastValue(state, 'lxc.init.uid') ?? '');
  return starter !== undefined && isOwnDev && isRoot ? logSocket?.inside : undefined;
}

/** The group shows in init's variable `container`; only the starter can set it, since LXC sets it itself last of all. */
function initCommand(words: readonly string[], { starter, group }: LxcContext, logLink: string | undefined): string {
  if (starter !== undefined)
    return `${starter} ${encodeWords([...(logLink === undefined ? [] : ['-l', logLink]), `pv-${group}`, ...words])}`;
  return words.map((word) => (isPlain([word]) ? word : `"${word}"`)).join(' ');
}

function isForeignLimit(key: string, layout: ControlGroupLayout): boolean {
  if (layout === 'unified') return limitsV1.test(key) || devicesV2.test(key);
  return layout === 'legacy' && limitsV2.test(key);
}

function fitValue(key: string, value: string, context: LxcContext): string {
  if (key === 'lxc.rootfs.path') return fitRootfs(value, context);
  if (key === 'lxc.mount.entry') return fitMountEntry(value, context);
  if (!pathKeys.test(key) || value === '') return value;
  const moved = relocate(value, context);
  return moved.startsWith('/') ? moved : `${context.directory}/${moved}`;
}

/** `overlayfs:<lower>:…:<upper>`, `dir:<path>` or a path. */
function fitRootfs(value: string, context: LxcContext): string {
  const parts = value.split(':').map((part) => relocate(part, context));
  const [type, ...rest] = parts;
  if (context.configLayer !== undefined && (type === 'overlayfs' || type === 'overlay') && rest.length > 0)
    return [type, context.configLayer, ...rest].join(':');
  return parts.join(':');
}

/** `<source> <target> <type> <options> <dump> <pass>`: paths of the host are the source and the layers of an overlay. */
function fitMountEntry(value: string, context: LxcContext): string {
  const fields = value.split(/\s+/);
  const source = relocate(fields[0] ?? '', context);
  const options = (fields[3] ?? '').split(',').map((option) => {
    const equals = option.indexOf('=');
    if (equals < 0) return option;
    const paths = option.slice(equals + 1).split(':');
    return `${option.slice(0, equals)}=${paths.map((path) => relocate(path, context)).join(':')}`;
  });
  const [, target, type, , ...rest] = fields;
  return [source, target, type, options.join(','), ...rest].filter((field) => field !== undefined).join(' ');
}

function relocate(path: string, { relocate: moves }: LxcContext): string {
  const move = moves.find(({ from }) => path === from || path.startsWith(`${from}/`));
  return move === undefined ? path : move.to + path.slice(move.from.length);
}

function formatBind({ source, target, kind, readOnly, optional }: BindEntry): string {
  const options = `bind,${readOnly ? 'ro' : 'rw'},create=${kind === 'file' ? 'file' : 'dir'}${optional ? ',optional' : ''}`;
  return `${escapeField(source)} ${target} none ${options} 0 0`;
}

/** Blanks in a path of a mount entry, as fstab(5) writes them. */
const escapeField = (path: string) => path.replaceAll('\\', '\\134').replaceAll(' ', '\\040').replaceAll('\t', '\\011');

/** Adds an interface on a pool's bridge, and with it a network namespace of the container's own. */
function attach(lines: readonly LxcLine[], attachment: PoolAttachment): LxcLine[] {
  const kept = lines.flatMap((line): LxcLine[] => {
    if (attachment.hostname !== undefined && line.key === 'lxc.uts.name') return [];
    if (line.key !== 'lxc.namespace.keep') return [line];
    const words = line.value.split(/\s+/).filter((word) => word !== 'net' && word !== '');
    return words.length === 0 ? [] : [{ key: line.key, value: words.join(' ') }];
  });
  const { bridge, address, gateway, hardwareAddress, hostname } = attachment;
  const values: [string, string][] = [
    ['type', 'veth'],
    ['link', bridge],
    ['name', 'eth0'],
    ['ipv4.address', address],
    ['ipv4.gateway', gateway],
    ['hwaddr', hardwareAddress],
    ['flags', 'up'],
  ];
  return [
    ...kept,
    ...(hostname === undefined ? [] : [{ key: 'lxc.uts.name', value: hostname }]),
    ...values.map(([key, value]) => ({ key: `lxc.net.0.${key}`, value })),
  ];
}

/** True when the state itself gives the container interfaces; that and an address pool exclude each other (network.md §3.1). */
export function hasInterfaces(lines: readonly LxcLine[]): boolean {
  return hasKey(lines, 'lxc.net');
}

/** Addresses that the state's own configuration gives to interfaces, without prefix length (network.md §4). */
export function bakedAddresses(lines: readonly LxcLine[]): string[] {
  return lines.flatMap((line) => {
    if (line.key === undefined || !/^lxc\.net\.\d+\.ipv4\.address$/.test(line.key)) return [];
    const address = line.value.split(/[\s/]/)[0] ?? '';
    return /^\d/.test(address) ? [address] : [];
  });
}

/** Layers of the root file system, topmost first: the upper directory of an overlay, then its lower ones; or the one directory. */
export function rootLayers(lines: readonly LxcLine[]): { upper: string | undefined; layers: string[] } {
  const value = lastValue(lines, 'lxc.rootfs.path') ?? '';
  const [type = '', ...rest] = value.split(':');
  if (!/^overlay(fs)?$/.test(type)) return { upper: undefined, layers: [rest.at(-1) ?? type] };
  const upper = rest.at(-1);
  return { upper, layers: rest.length < 2 ? rest : [...rest.slice(-1), ...rest.slice(0, -1)] };
}
