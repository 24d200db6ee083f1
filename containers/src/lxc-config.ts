/** Text of `lxc.container.conf`, line by line as the original's template `builtin-lxc-docker` writes it (pvr.md §8.7). */
import type { BridgeNetwork, ContainerRecipe } from './recipe.ts';

/** Name of the storage entry for a path of the container, e.g. `docker--var-lib-web`. */
export function volumeName(path: string): string {
  return `docker-${path.replace(/\/+$/, '').replaceAll('/', '-')}`;
}

/** Address of a container on the bridge; undefined when it is not attached to it. */
export function containerAddress(recipe: ContainerRecipe, network: BridgeNetwork): string | undefined {
  return typeof recipe.network === 'object' ? `${network.prefix}.${recipe.network.hostNumber}` : undefined;
}

function networkLines(recipe: ContainerRecipe, network: BridgeNetwork): string[] {
  const address = containerAddress(recipe, network);
  if (address === undefined) return recipe.network === 'host' ? [] : ['lxc.net.0.type = empty'];
  return [
    'lxc.net.0.type = veth',
    `lxc.net.0.link = ${network.bridge}`,
    'lxc.net.0.flags = up',
    'lxc.net.0.name = eth0',
    `lxc.net.0.ipv4.address = ${address}/24`,
    `lxc.net.0.ipv4.gateway = ${network.prefix}.1`,
  ];
}

/**
 * Writes the LXC configuration of a container. Paths below `/volumes` and `/pantavisor` are the runtime's business.
 * Quotation marks inside arguments of init cannot be written in this format and are refused.
 */
export function lxcConfig(recipe: ContainerRecipe, network: BridgeNetwork): string {
  const { name } = recipe;
  const init = recipe.init ?? ['/sbin/init'];
  const bad = init.find((word) => /["\n]/.test(word));
  if (bad !== undefined) throw new Error(`cannot write init argument ${JSON.stringify(bad)} of container ${name}`);
  const [program, ...rest] = init;
  const lines = [
    'lxc.tty.max = 8',
    'lxc.pty.max = 1024',
    'lxc.cgroup.devices.allow = a',
    `lxc.rootfs.path = overlayfs:/volumes/${name}/root.squashfs:/volumes/${name}/lxc-overlay/upper`,
    `lxc.init.cmd = ${[program, ...rest.map((word) => `"${word}"`)].join(' ')}`,
    ...Object.entries(recipe.environment ?? {}).map(([key, value]) => `lxc.environment = ${key}=${value}`),
    `lxc.namespace.keep = ${recipe.network === 'host' ? 'user  net  ipc' : 'user  ipc'}`,
    'lxc.mount.auto = proc  sys:rw  cgroup',
    'lxc.mount.entry = tmpfs run tmpfs rw,nodev,relatime,create=dir,mode=755 0 0',
  ];
  for (const path of Object.keys(recipe.volumes ?? {}).sort()) {
    const target = path.replace(/^\/+|\/+$/g, '');
    lines.push(`lxc.mount.entry = /volumes/${name}/${volumeName(path)} ${target} none bind,rw,create=dir 0 0`);
  }
  lines.push(...networkLines(recipe, network), ...(recipe.lxcLines ?? []));
  return `${lines.join('\n')}\n`;
}
