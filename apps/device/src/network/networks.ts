/** Networks of containers: pools of the revision, who holds which address, and what goes into an LXC configuration. */
import type { Container, NetworkPool } from '@pantavisor/state';
import type { PoolAttachment } from '../containers/lxc-config.ts';
import { Failure } from '../runtime/failure.ts';
import type { Log } from '../runtime/log.ts';
import type { Bridges } from './bridges.ts';
import { formatAddress, hardwareAddressOf, parseAddress } from './ipv4.ts';
import {
  explainLease,
  explainPool,
  type Holder,
  type LeaseProblem,
  leaseNext,
  leaseStatic,
  openBook,
  type PoolBook,
  readPool,
  release,
} from './pool.ts';

/** Address books of one device. Leases live as long as the device runs (network.md §4). */
export class Networks {
  readonly #bridges: Bridges;
  readonly #log: Log;
  readonly #books = new Map<string, PoolBook>();
  /** Why a pool of the revision cannot be used, by its name. */
  readonly #unusable = new Map<string, string>();

  constructor(bridges: Bridges, log: Log) {
    this.#bridges = bridges;
    this.#log = log;
  }

  /** Opens pools and their bridges. A pool that cannot be used is logged; containers that ask for it then fail with its reason. */
  async open(pools: readonly NetworkPool[]): Promise<void> {
    for (const source of pools) {
      if (this.#books.has(source.name)) {
        this.#log('WARN', 'network', `pool '${source.name}' already exists`);
        continue;
      }
      const pool = readPool(source);
      if (typeof pool === 'string') {
        const message = explainPool(pool, source);
        this.#unusable.set(source.name, message);
        this.#log('ERROR', 'network', message);
        continue;
      }
      this.#books.set(pool.name, openBook(pool));
      const { name, bridge, subnet, gateway, nat } = pool;
      const shown = `${formatAddress(subnet.base)}/${subnet.prefixLength}`;
      const message = `added pool '${name}': type=bridge, subnet=${shown}, gateway=${formatAddress(gateway)}, nat=${nat ? 'yes' : 'no'}`;
      this.#log('INFO', 'network', message);
      const { prefixLength } = subnet;
      await this.#bridges.open({
        name: bridge,
        address: gateway,
        prefixLength,
        ...(nat ? { nat: { pool: name, subnet } } : {}),
      });
    }
  }

  /** Keeps addresses that a container's own LXC configuration uses out of the pools. */
  reserve(container: string, addresses: readonly string[]): void {
    for (const address of addresses) {
      for (const [name, book] of this.#books) {
        const outcome = leaseStatic(book, `pv:static:${container}`, address);
        if (typeof outcome === 'object') {
          this.#books.set(name, outcome.book);
          this.#log('INFO', 'network', `reserved static IP ${address} (from ${container}) in pool '${name}'`);
        } else if (outcome === 'address-reserved')
          this.#log('WARN', 'network', `static IP ${address} of ${container}: ${explainLease(outcome, book, address)}`);
      }
    }
  }

  /**
   * Leases the address of a container, the same as before if it has one.
   * @param interfaces the state's LXC configuration has interfaces of its own, which excludes a pool
   * @returns undefined for a container without a pool
   * @throws Failure `network-pool`, `network-address`, `network-conflict`
   */
  attach({ name, network }: Container, interfaces: boolean): PoolAttachment | undefined {
    if (network?.pool === undefined) return undefined;
    if (interfaces) {
      throw new Failure(
        'network-conflict',
        `cannot start ${name}: it declares pool ${network.pool}, but its LXC configuration already contains lxc.net.* entries`,
        { hint: 'remove one of the two' },
      );
    }
    const book = this.#books.get(network.pool);
    if (book === undefined) {
      const why = this.#unusable.get(network.pool) ?? 'device.json declares no such pool';
      throw new Failure('network-pool', `cannot start ${name} on network pool ${network.pool}: ${why}`);
    }
    const fresh = !book.leases.has(name);
    const outcome = network.ip === undefined ? leaseNext(book, name) : leaseStatic(book, name, network.ip);
    if (typeof outcome === 'string') throw refusal(name, outcome, book, network.ip);
    this.#books.set(book.pool.name, outcome.book);
    const { bridge, subnet, gateway } = book.pool;
    const address = formatAddress(outcome.address);
    const hardwareAddress = network.mac ?? hardwareAddressOf(outcome.address);
    if (fresh) {
      const verb = network.ip === undefined ? 'allocated' : 'reserved';
      this.#log('INFO', 'network', `${verb} ${address}/${subnet.prefixLength} to ${name} from pool ${book.pool.name}`);
    } else this.#log('DEBUG', 'network', `reusing existing lease for ${name}: ${address}/${subnet.prefixLength}`);
    this.#log('INFO', 'network', `platform '${name}' IP ${address} MAC ${hardwareAddress} on bridge ${bridge}`);
    return {
      bridge,
      address: `${address}/${subnet.prefixLength}`,
      gateway: formatAddress(gateway),
      hardwareAddress,
      ...(network.hostname === undefined ? {} : { hostname: network.hostname }),
    };
  }

  /** Gives a container that was found running the address it already uses. */
  keep(container: Container, address: string): void {
    const pool = container.network?.pool;
    const book = pool === undefined ? undefined : this.#books.get(pool);
    if (book === undefined || parseAddress(address) === undefined) return;
    const outcome = leaseStatic(book, container.name, address);
    if (typeof outcome === 'object') this.#books.set(book.pool.name, outcome.book);
  }

  /** Takes the address of a container back: it left the revision. */
  release(holder: Holder): void {
    for (const [name, book] of this.#books) {
      const address = book.leases.get(holder);
      if (address === undefined) continue;
      this.#books.set(name, release(book, holder));
      this.#log('INFO', 'network', `released ${formatAddress(address)} from ${holder} in pool ${name}`);
    }
  }
}

function refusal(container: string, problem: LeaseProblem, book: PoolBook, asked: string | undefined): Failure {
  const why = explainLease(problem, book, asked);
  return new Failure('network-address', `cannot give ${container} an address: ${why}`);
}
