/**
 * Addresses of network pools (network.md §2, §4): which container holds which address. Pure: the book is a value, and each
 * operation returns the next one.
 */
import type { NetworkPool } from '@pantavisor/state';
import { broadcastOf, contains, formatAddress, parseAddress, parseSubnet, type Subnet } from './ipv4.ts';

/** A pool that can be used: its texts read, its rules checked. */
export interface Pool {
  name: string;
  bridge: string;
  subnet: Subnet;
  gateway: number;
  nat: boolean;
}

/** Holder of an address: a container, or `pv:static:<container>` for an address written into a container's LXC configuration. */
export type Holder = string;

export interface PoolBook {
  readonly pool: Pool;
  readonly leases: ReadonlyMap<Holder, number>;
  /** Next address to look at; it only grows, so that an address given back is not handed out at once. */
  readonly cursor: number;
}

export type PoolProblem =
  | 'macvlan-not-supported'
  | 'bridge-missing'
  | 'subnet-invalid'
  | 'gateway-invalid'
  | 'gateway-outside';
export type LeaseProblem =
  | 'pool-exhausted'
  | 'address-invalid'
  | 'address-outside'
  | 'address-taken'
  | 'address-reserved';

/** Longest name of a network interface (IFNAMSIZ less the terminator). */
const interfaceNameLimit = 15;

/** Checks a pool of device.json. */
export function readPool(source: NetworkPool): Pool | PoolProblem {
  if (source.type === 'macvlan') return 'macvlan-not-supported';
  const { bridge } = source;
  if (bridge === undefined || bridge.length > interfaceNameLimit || !/^[A-Za-z0-9_.-]+$/.test(bridge))
    return 'bridge-missing';
  const subnet = parseSubnet(source.subnet);
  if (subnet === undefined) return 'subnet-invalid';
  const gateway = parseAddress(source.gateway);
  if (gateway === undefined) return 'gateway-invalid';
  if (!contains(subnet, gateway)) return 'gateway-outside';
  return { name: source.name, bridge, subnet, gateway, nat: source.nat };
}

/** A book without leases; handing out begins after the gateway. */
export function openBook(pool: Pool): PoolBook {
  return { pool, leases: new Map(), cursor: pool.gateway + 1 };
}

const isTaken = (book: PoolBook, address: number, except?: Holder) =>
  [...book.leases].some(([holder, held]) => held === address && holder !== except);

/** Gives a holder the address it already has, else the next free one from the cursor up to the last before broadcast. */
export function leaseNext(book: PoolBook, holder: Holder): { book: PoolBook; address: number } | LeaseProblem {
  const held = book.leases.get(holder);
  if (held !== undefined) return { book, address: held };
  const last = broadcastOf(book.pool.subnet) - 1;
  for (let address = book.cursor; address <= last; address += 1) {
    if (isTaken(book, address)) continue;
    const leases = new Map(book.leases).set(holder, address);
    return { book: { ...book, leases, cursor: address + 1 }, address };
  }
  return 'pool-exhausted';
}

/**
 * Gives a holder one certain address. The same holder asking again for the same address keeps it, so a restart of a container works.
 * @param text `a.b.c.d`, with or without `/n`
 */
export function leaseStatic(
  book: PoolBook,
  holder: Holder,
  text: string,
): { book: PoolBook; address: number } | LeaseProblem {
  const address = parseAddress(text.replace(/\/\d+$/, ''));
  if (address === undefined) return 'address-invalid';
  const { subnet, gateway } = book.pool;
  if (!contains(subnet, address)) return 'address-outside';
  if (address === gateway || address === subnet.base || address === broadcastOf(subnet)) return 'address-reserved';
  if (isTaken(book, address, holder)) return 'address-taken';
  return { book: { ...book, leases: new Map(book.leases).set(holder, address) }, address };
}

/** Takes an address back; a holder without a lease is fine. */
export function release(book: PoolBook, holder: Holder): PoolBook {
  const leases = new Map(book.leases);
  leases.delete(holder);
  return { ...book, leases };
}

/** One sentence for each refusal. */
export function explainLease(problem: LeaseProblem, book: PoolBook, asked?: string): string {
  const { name, subnet, gateway } = book.pool;
  const range = `${formatAddress(subnet.base)}/${subnet.prefixLength}`;
  const sentences: Record<LeaseProblem, string> = {
    'pool-exhausted': `pool ${name} (${range}, handed out from after the gateway ${formatAddress(gateway)}) has no free address`,
    'address-invalid': `${asked} is no IPv4 address`,
    'address-outside': `${asked} is outside of pool ${name} (${range})`,
    'address-taken': `${asked} of pool ${name} is in use by another container`,
    'address-reserved': `${asked} is the network, gateway or broadcast address of pool ${name}`,
  };
  return sentences[problem];
}

/** One sentence for each pool that cannot be used. */
export function explainPool(problem: PoolProblem, source: NetworkPool): string {
  const sentences: Record<PoolProblem, string> = {
    'macvlan-not-supported': 'type macvlan is not supported; use type bridge',
    'bridge-missing': `bridge ${JSON.stringify(source.bridge ?? '')} is no interface name of 1 to ${interfaceNameLimit} characters`,
    'subnet-invalid': `subnet ${JSON.stringify(source.subnet)} is not of the form a.b.c.d/n`,
    'gateway-invalid': `gateway ${JSON.stringify(source.gateway)} is no IPv4 address`,
    'gateway-outside': `gateway ${source.gateway} is outside of subnet ${source.subnet}`,
  };
  return `cannot use network pool ${source.name}: ${sentences[problem]}`;
}
