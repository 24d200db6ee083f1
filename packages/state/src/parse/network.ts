/** Network pools of device.json and the network of a container (network.md §2, §3). */
import { Fields, spotOf } from '../fields.ts';
import type { ContainerNetwork, NetworkPool } from '../model.ts';
import { quote, type Report, type Spot } from '../report.ts';

const interfaceName = /^[^\s/:\p{Cc}]{1,15}$/u;
const mac = /^(?:[0-9A-Fa-fXx]{2}:){5}[0-9A-Fa-fXx]{2}$/;
const hostName = /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*$/;

/** Value of a dotted IPv4 address as an unsigned number, or undefined when it is none. */
export function ipv4Value(text: string): number | undefined {
  const match = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$/.exec(text);
  if (!match) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    const octet = Number(part);
    if (octet > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

/** Address and prefix length of `a.b.c.d/n`, or undefined when it is none. */
export function ipv4Prefix(text: string): { address: number; length: number } | undefined {
  const match = /^([^/]+)\/([0-9]{1,2})$/.exec(text);
  const address = ipv4Value(match?.[1] ?? '');
  const length = Number(match?.[2] ?? 33);
  return address === undefined || length > 32 ? undefined : { address, length };
}

function inSubnet(address: number, subnet: { address: number; length: number }): boolean {
  const size = 2 ** (32 - subnet.length);
  return Math.floor(address / size) === Math.floor(subnet.address / size);
}

/** Reads `network.pools`. A pool in error is skipped with a warning: containers that name it cannot start. */
export function readPools(device: Fields): NetworkPool[] {
  const network = device.get('network');
  const pools = network && Fields.of(device.report, network, 'pool-invalid')?.get('pools');
  const entries = pools ? (Fields.of(device.report, pools, 'pool-invalid')?.entries() ?? []) : [];
  const found: NetworkPool[] = [];
  for (const { key, place } of entries) {
    const fields = Fields.of(device.report, place, 'pool-invalid');
    if (!fields) continue;
    const pool = readPool(key, fields);
    if (typeof pool === 'string') {
      device.report.add(
        'pool-invalid',
        spotOf(place),
        `the network pool ${quote(key)} is skipped: ${pool}`,
        'containers of this pool cannot start',
      );
    } else found.push(pool);
  }
  return found;
}

function readPool(name: string, fields: Fields): NetworkPool | string {
  const text = (key: string): string => {
    const node = fields.get(key)?.node;
    return node?.kind === 'string' ? node.value : '';
  };
  const type = text('type') === 'macvlan' ? 'macvlan' : 'bridge';
  const device = text(type === 'bridge' ? 'bridge' : 'parent');
  if (!interfaceName.test(device) || device === '.' || device === '..')
    return `${type === 'bridge' ? '"bridge"' : '"parent"'} ${quote(device)} is no interface name`;
  const subnet = ipv4Prefix(text('subnet'));
  if (!subnet) return `"subnet" ${quote(text('subnet'))} is not a.b.c.d/n`;
  const gateway = ipv4Value(text('gateway'));
  if (gateway === undefined) return `"gateway" ${quote(text('gateway'))} is no IPv4 address`;
  if (!inSubnet(gateway, subnet)) {
    fields.report.add(
      'pool-gateway',
      fields.spot('gateway'),
      `the gateway ${text('gateway')} lies outside the subnet ${text('subnet')}`,
    );
  }
  const nat = fields.get('nat')?.node;
  return {
    name,
    type,
    ...(type === 'bridge' ? { bridge: device } : { parent: device }),
    subnet: text('subnet'),
    gateway: text('gateway'),
    nat: nat?.kind === 'boolean' ? nat.value : text('nat') === 'true',
  };
}

/**
 * Reads `network` of a container. `pool` implies the mode; a static address may stand at the top or, as documented, in the
 * only element of `interfaces`; the top one wins.
 */
export function readContainerNetwork(fields: Fields): ContainerNetwork {
  const { report } = fields;
  const pool = fields.string('pool');
  const mode = fields.string('mode');
  const network: ContainerNetwork = { mode: pool ? 'pool' : mode === 'host' || mode === 'pool' ? mode : 'none' };
  if (pool) network.pool = pool;

  const interfaces = fields.list('interfaces') ?? [];
  if (interfaces.length > 1)
    report.add(
      'network-invalid',
      fields.spot('interfaces'),
      `cannot give a container ${interfaces.length} interfaces: one at most`,
    );
  const first = interfaces[0] && Fields.of(report, interfaces[0]);
  const hostname = fields.string('hostname');
  const ip = fields.string('ip') || first?.string('ipv4_address');
  const address = fields.string('mac') || first?.string('mac_address');

  if (hostname) {
    network.hostname = hostname;
    if (!hostName.test(hostname) || hostname.length > 64)
      report.add(
        'network-invalid',
        fields.spot('hostname'),
        `cannot use ${quote(hostname)} as a host name`,
        'use letters, digits, hyphens and dots, at most 64',
      );
  }
  if (ip) {
    network.ip = ip;
    if (ipv4Value(ip) === undefined && !ipv4Prefix(ip))
      report.add(
        'network-invalid',
        fields.spot('ip'),
        `cannot use ${quote(ip)} as an address`,
        'write a.b.c.d or a.b.c.d/n',
      );
  }
  if (address) {
    network.mac = address;
    if (!mac.test(address))
      report.add(
        'network-invalid',
        fields.spot('mac'),
        `cannot use ${quote(address)} as a MAC address`,
        'write six pairs of hex digits with colons',
      );
  }
  return network;
}

/** Warns of a container whose pool is not declared. */
export function checkPool(report: Report, network: ContainerNetwork, spot: Spot, pools: ReadonlySet<string>): void {
  if (network.pool === undefined || pools.has(network.pool)) return;
  const message = `no network pool is called ${quote(network.pool)}; the container cannot start`;
  report.add('pool-unknown', spot, message, 'declare it in device.json under network.pools');
}
