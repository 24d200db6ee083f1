/** Bridges and address translation of the device (network.md §1, §2.1), and who may take a bridge away again. */
import { type Files, type Host, HostError } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { formatAddress, type Subnet } from './ipv4.ts';

export interface BridgePlan {
  name: string;
  /** Address of the bridge itself. */
  address: number;
  prefixLength: number;
  /** Pool whose packets are translated when they leave by another interface. */
  nat?: { pool: string; subnet: Subnet };
}

const programTimeoutMs = 10_000;

/**
 * Keeps the bridges of one device. A bridge that somebody else made (the distribution, an administrator) is used as it is and never
 * removed; one made by a device of ours goes with the last device that uses it, also after a runtime died in between.
 */
export class Bridges {
  readonly #host: Pick<Host, 'files' | 'network' | 'processes'>;
  readonly #registry: string;
  readonly #device: string;
  readonly #log: Log;
  readonly #open = new Map<string, BridgePlan>();

  /**
   * @param registry directory shared by all devices of the machine: `<bridge>/<device>` for each user of a bridge that is ours
   * @param device id of this device
   */
  constructor(host: Pick<Host, 'files' | 'network' | 'processes'>, registry: string, device: string, log: Log) {
    this.#host = host;
    this.#registry = registry;
    this.#device = device;
    this.#log = log;
  }

  /** Brings a bridge up; what fails is logged and does not stop the device. Doing it again changes nothing. */
  async open(plan: BridgePlan): Promise<void> {
    const { name } = plan;
    if (this.#open.has(name)) return;
    this.#open.set(name, plan);
    try {
      await this.#bringUp(plan);
    } catch (error) {
      this.#log('WARN', 'network', `cannot set up bridge ${name}: ${messageOf(error)}`);
      return;
    }
    if (plan.nat !== undefined) await this.#translate(name, plan.nat);
  }

  async #bringUp({ name, address, prefixLength }: BridgePlan): Promise<void> {
    const { files, network } = this.#host;
    const users = `${this.#registry}/${name}`;
    const isOurs = (await files.status(users)) !== undefined;
    const foreign = !isOurs && (await files.status(`/sys/class/net/${name}`)) !== undefined;
    // Entered before it is made: a runtime that dies in between leaves a bridge that the next one knows as ours.
    if (!foreign) {
      await makeDirectories(files, users);
      await files.write(`${users}/${this.#device}`, '');
    }
    const made = !foreign && (await network.ensureBridge(name));
    if (!made && !isOurs) {
      this.#log('WARN', 'network', `bridge ${name} is there already; it is used as it is`);
      if (!foreign) await this.#giveUp(name);
      return;
    }
    await network.setAddress(name, formatAddress(address), prefixLength);
    await network.setUp(name);
    if (made) this.#log('INFO', 'network', `created bridge ${name} with IP ${formatAddress(address)}/${prefixLength}`);
  }

  /** Removes what this device alone uses. */
  async close(): Promise<void> {
    for (const { name, nat } of [...this.#open.values()].reverse()) {
      this.#open.delete(name);
      if (nat !== undefined) await this.#stopTranslating(name);
      if (!(await this.#giveUp(name))) continue;
      try {
        await this.#host.network.removeBridge(name);
      } catch (error) {
        this.#log('WARN', 'network', `cannot remove bridge ${name}: ${messageOf(error)}`);
      }
    }
  }

  /** True when this device was the last user of a bridge of ours. */
  async #giveUp(name: string): Promise<boolean> {
    const users = `${this.#registry}/${name}`;
    try {
      await this.#host.files.unlink(`${users}/${this.#device}`);
      // Removing the directory works for exactly one device: the last.
      await this.#host.files.removeDirectory(users);
      return true;
    } catch (error) {
      if (error instanceof HostError) return false;
      throw error;
    }
  }

  /** A table of our own for each bridge, replaced as a whole: no rule is there twice, and taking it away is one command. */
  async #translate(bridge: string, { pool, subnet }: { pool: string; subnet: Subnet }): Promise<void> {
    const { files } = this.#host;
    const range = `${formatAddress(subnet.base)}/${subnet.prefixLength}`;
    await enableForwarding(files, this.#log);
    const table = tableOf(bridge);
    const rules = [
      `table ip ${table}`,
      `delete table ip ${table}`,
      `table ip ${table} { chain postrouting { type nat hook postrouting priority 100; ip saddr ${range} oifname != "${bridge}" masquerade; } }`,
    ].join('\n');
    if (await this.#succeeds(['nft', '-f', '-'], rules)) {
      this.#log('INFO', 'network', `setup NAT (nftables) for pool ${pool}`);
      return;
    }
    const rule = ['POSTROUTING', '-s', range, '!', '-o', bridge, '-j', 'MASQUERADE'];
    const present = await this.#succeeds(['iptables', '-t', 'nat', '-C', ...rule]);
    if (present || (await this.#succeeds(['iptables', '-t', 'nat', '-A', ...rule])))
      this.#log('INFO', 'network', `setup NAT (iptables) for pool ${pool}`);
    else this.#log('WARN', 'network', `cannot set up NAT for pool ${pool}: neither nft nor iptables works`);
  }

  async #stopTranslating(bridge: string): Promise<void> {
    if (await this.#isUsedByOthers(bridge)) return;
    await this.#succeeds(['nft', 'delete', 'table', 'ip', tableOf(bridge)]);
  }

  async #isUsedByOthers(bridge: string): Promise<boolean> {
    const users = `${this.#registry}/${bridge}`;
    if ((await this.#host.files.status(users)) === undefined) return false;
    return (await this.#host.files.list(users)).some(({ name }) => name !== this.#device);
  }

  /** A program that is not there counts as one that failed. */
  async #succeeds(argv: string[], input?: string): Promise<boolean> {
    try {
      const options = { timeout: programTimeoutMs, ...(input === undefined ? {} : { input }) };
      return (await this.#host.processes.run(argv, options)).code === 0;
    } catch (error) {
      if (error instanceof HostError) return false;
      throw error;
    }
  }
}

/** Name of the nftables table of a bridge; characters that nft would not take in a name are replaced. */
function tableOf(bridge: string): string {
  return `pantavisor-${bridge.replace(/[^A-Za-z0-9_-]/g, '_')}`;
}

async function enableForwarding(files: Files, log: Log): Promise<void> {
  try {
    await files.write('/proc/sys/net/ipv4/ip_forward', '1');
  } catch (error) {
    log('WARN', 'network', `cannot enable IPv4 forwarding: ${messageOf(error)}`);
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
