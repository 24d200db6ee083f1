/** A bridge and a subnet for the demonstration that nobody on this machine uses. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BridgeNetwork, defaultNetwork } from '../../containers/src/recipe.ts';

/** IPv4 networks of the machine, as `address/prefix length`, and names of its interfaces. */
export interface NetworksInUse {
  interfaces: string[];
  subnets: string[];
}

/** Candidates: what a device takes by default, then 10.0.4.0/24 to 10.0.250.0/24 with a bridge named after the number. */
function* candidates(): Generator<BridgeNetwork> {
  yield defaultNetwork;
  for (let number = 4; number <= 250; number += 1) yield { bridge: `pvbr${number}`, prefix: `10.0.${number}` };
}

function toNumber(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

/** True when the /24 of `prefix` and the subnet share an address. A default route shares with everything and does not count. */
function overlaps(prefix: string, subnet: string): boolean {
  const [address = '', length = '32'] = subnet.split('/');
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(address) || length === '0') return false;
  const size = 2 ** (32 - Math.min(Number(length), 24));
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(`${prefix}.0`) / size);
}

/**
 * Chooses the first network that is neither in use nor claimed.
 * @param claim takes the network for this process, false when another process has it
 * @throws when nothing is left
 */
export function chooseNetwork(inUse: NetworksInUse, claim: (network: BridgeNetwork) => boolean): BridgeNetwork {
  for (const network of candidates()) {
    if (inUse.interfaces.includes(network.bridge)) continue;
    if (inUse.subnets.some((subnet) => overlaps(network.prefix, subnet))) continue;
    if (claim(network)) return network;
  }
  throw new Error('cannot find a free network: 10.0.3.0/24 to 10.0.250.0/24 are all in use on this machine');
}

/** Asks the kernel, through iproute2: os.networkInterfaces() leaves out a bridge without members. */
export function networksInUse(): NetworksInUse {
  const ask = (...argv: string[]) => JSON.parse(execFileSync('ip', ['-json', ...argv], { encoding: 'utf8' }) || '[]');
  const addresses: { ifname?: string; addr_info?: { family: string; local: string; prefixlen: number }[] }[] =
    ask('address');
  const routes: { dst: string }[] = ask('-4', 'route');
  return {
    interfaces: addresses.flatMap(({ ifname }) => ifname ?? []),
    subnets: [
      ...addresses.flatMap(({ addr_info: infos = [] }) =>
        infos.filter(({ family }) => family === 'inet').map(({ local, prefixlen }) => `${local}/${prefixlen}`),
      ),
      ...routes.map(({ dst }) => dst).filter((destination) => destination !== 'default'),
    ],
  };
}

/**
 * Marks of running processes in a directory, so that two of them do not choose the same network before either has made its bridge.
 * The mark of a process that is gone counts as free.
 */
export class NetworkClaims {
  readonly #directory: string;
  readonly #held: string[] = [];
  constructor(directory = '/run/pantavisor/networks') {
    this.#directory = directory;
  }

  take({ bridge }: BridgeNetwork): boolean {
    mkdirSync(this.#directory, { recursive: true });
    const path = join(this.#directory, bridge);
    for (;;) {
      try {
        writeFileSync(path, String(process.pid), { flag: 'wx' });
        this.#held.push(path);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      if (isRunning(path)) return false;
      unlinkSync(path);
    }
  }

  release(): void {
    for (const path of this.#held.splice(0)) unlinkSync(path);
  }
}

function isRunning(mark: string): boolean {
  try {
    process.kill(Number(readFileSync(mark, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}
