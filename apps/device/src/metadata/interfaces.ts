/** Addresses of the network interfaces, read from /sys and /proc: the device metadata `interfaces` (network.md §5). */
import { formatIpv6 } from '../host/ip-text.ts';
import type { Files } from '../host/ports.ts';
import { readIfThere } from '../storage/durable.ts';

const limit = 4 * 1024 * 1024;
const classDirectory = '/sys/class/net';

/** Address families by the name they have in the report. */
type Family = 'mac' | 'ipv4' | 'ipv6';

const textOf = async (files: Files, path: string) =>
  (await readIfThere(files, path, limit).catch(() => undefined)) ?? '';

/** A number of 8 hex digits in the byte order of the machine, as /proc/net/route has addresses, as an unsigned number. */
const swapped = (hex: string) => Number.parseInt(hex.replace(/(..)(..)(..)(..)/, '$4$3$2$1'), 16);

const numberOf = (address: string) => address.split('.').reduce((value, part) => value * 256 + Number(part), 0);

/** The routes to networks that an interface is itself in, narrowest first. */
export function parseRoutes(text: string): { name: string; network: number; mask: number }[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [name, network, gateway, , , , , mask] = line.trim().split(/\s+/);
      if (name === undefined || network === undefined || mask === undefined || gateway !== '00000000') return [];
      return mask === '00000000' ? [] : [{ name, network: swapped(network), mask: swapped(mask) }];
    })
    .sort((left, right) => right.mask - left.mask);
}

/** Addresses of this host in /proc/net/fib_trie, each once, in its order. */
export function parseLocalAddresses(text: string): string[] {
  const found = [...text.matchAll(/\|-- ([0-9.]+)\n\s*\/32 host LOCAL/g)].map(([, address]) => address ?? '');
  return [...new Set(found)];
}

/** The interface that an address of this host belongs to, by the network it is in. */
export function interfaceOf(address: string, routes: ReturnType<typeof parseRoutes>): string | undefined {
  if (address.startsWith('127.')) return 'lo';
  const number = numberOf(address);
  return routes.find(({ network, mask }) => (number & mask) >>> 0 === network)?.name;
}

/** Lines of /proc/net/if_inet6: address, interface, whether it holds for the link only. */
export function parseIpv6(text: string): { name: string; address: string }[] {
  return text.split('\n').flatMap((line) => {
    const [hex, , , scope, , name] = line.trim().split(/\s+/);
    if (hex === undefined || hex.length !== 32 || name === undefined) return [];
    const address = formatIpv6(hex);
    return [{ name, address: scope === '20' ? `${address}%${name}` : address }];
  });
}

/**
 * `{"<interface>.<family>":["address",…],…}` in the order of the interfaces' numbers, families `mac`, `ipv4`, `ipv6`. An IPv4 address is
 * matched to its interface by the network it is in; one without any is left out.
 */
export async function interfacesJson(files: Files): Promise<string> {
  const names = (await files.list(classDirectory).catch(() => [])).map(({ name }) => name);
  const links = await Promise.all(
    names.map(async (name) => ({
      name,
      index: Number((await textOf(files, `${classDirectory}/${name}/ifindex`)).trim()),
      mac: (await textOf(files, `${classDirectory}/${name}/address`)).trim(),
    })),
  );
  const [route, trie, inet6] = await Promise.all(
    ['route', 'fib_trie', 'if_inet6'].map((name) => textOf(files, `/proc/net/${name}`)),
  );
  const report = new Map<string, string[]>();
  const add = (name: string, family: Family, address: string) => {
    const key = `${name}.${family}`;
    report.set(key, [...(report.get(key) ?? []), address]);
  };
  const routes = parseRoutes(route ?? '');
  const ipv4 = parseLocalAddresses(trie ?? '').map((address) => ({ address, name: interfaceOf(address, routes) }));
  const ipv6 = parseIpv6(inet6 ?? '');
  for (const { name, mac } of links.sort((left, right) => left.index - right.index)) {
    if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) && mac !== '00:00:00:00:00:00') add(name, 'mac', mac);
    for (const entry of ipv4) if (entry.name === name) add(name, 'ipv4', entry.address);
    for (const entry of ipv6) if (entry.name === name) add(name, 'ipv6', entry.address);
  }
  return JSON.stringify(Object.fromEntries(report));
}
