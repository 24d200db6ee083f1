/**
 * A line between a device and its hub: a veth pair to a network namespace, where the hub runs, with a narrow end, lost packets and cuts. A test has a
 * way of its own to the hub that none of it concerns.
 */
import { type ChildProcess, execFileSync, fork, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { on, once } from 'node:events';
import { networkInterfaces } from 'node:os';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { atEnd } from './cleanup.ts';
import type { HubPlace } from './hub-account.ts';
import type { RelayNews, RelayOrders } from './relay.ts';

const relayProgram = fileURLToPath(new URL('relay.ts', import.meta.url));

const programs = ['unshare', 'nsenter', 'ip', 'nft', 'tc'];

/** Why there can be no lines here, for the `skip` option of node:test; false when there can. */
export function skipWithoutLines(): false | string {
  if (process.getuid?.() !== 0) return 'a network namespace needs root';
  const missing = programs.filter((name) => spawnSync(name, ['--version']).error !== undefined);
  return missing.length > 0 && `not on the PATH: ${missing.join(', ')}`;
}

/** Third number of a network that this machine is not in. */
function freeNetwork(): number {
  const taken = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  for (;;) {
    const network = randomInt(256);
    if (!taken.some((address) => address.startsWith(`10.214.${network}.`))) return network;
  }
}

type RelayedRequest = Exclude<RelayNews, { port: number }>;

/** A relay before the hub, at the far end of the line. */
export class Relay {
  readonly port: string;
  readonly requests: RelayedRequest[] = [];
  readonly #process: ChildProcess;

  constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = String(port);
    process.on('message', (news: RelayNews) => {
      if ('request' in news) this.requests.push(news);
    });
  }

  tell(orders: Partial<RelayOrders>): void {
    this.#process.send(orders);
  }

  /** Waits for a request that fits, after the first `from`. */
  async seen(fits: (one: RelayedRequest) => boolean, from = 0): Promise<void> {
    const news = on(this.#process, 'message');
    try {
      while (!this.requests.slice(from).some(fits)) await news.next();
    } finally {
      await news.return?.();
    }
  }
}

export class HubLine implements HubPlace {
  readonly environment: Record<string, string>;
  /** What programs at the far end are started with. */
  readonly command: readonly string[];
  readonly #network: number;
  /** Rules that packets of the device meet at the far end. */
  #fault = '';

  private constructor(pid: number, network: number, environment: Record<string, string>) {
    this.command = ['nsenter', `--net=/proc/${pid}/ns/net`, '--'];
    this.#network = network;
    this.environment = environment;
  }

  /** @param environment variables for the hub */
  static async open(t: TestContext, environment: Record<string, string> = {}): Promise<HubLine> {
    // The namespace has no name, so that nothing but this process keeps it: it goes when the test does, however that ends.
    const options: SpawnOptions = { stdio: ['pipe', 'pipe', 'inherit'] };
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo there; exec cat'], options);
    const gone = once(holder, 'exit');
    atEnd(t, async () => {
      holder.kill('SIGKILL');
      await gone;
    });
    if (holder.stdout === null || holder.pid === undefined) throw new Error('cannot make a network namespace');
    await once(holder.stdout, 'data');
    const line = new HubLine(holder.pid, freeNetwork(), environment);
    line.#connect(`pvl${randomBytes(4).toString('hex')}`, holder.pid);
    return line;
  }

  #connect(name: string, pid: number): void {
    const { address, address6 } = this;
    execFileSync('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', 'line', 'netns', String(pid)]);
    const near = [`address add ${this.#of4(1)}/24 dev ${name}`, `address add ${this.#of6(1)}/64 dev ${name} nodad`];
    for (const words of [...near, `link set ${name} up`]) execFileSync('ip', words.split(' '));
    const far = [`${address}/24 dev line`, `${this.#of4(3)}/24 dev line`, `${address6}/64 dev line nodad`];
    for (const words of far) this.#there('ip', 'address', 'add', ...words.split(' '));
    for (const device of ['lo', 'line']) this.#there('ip', 'link', 'set', device, 'up');
  }

  #of4 = (host: number) => `10.214.${this.#network}.${host}`;
  #of6 = (host: number) => `fd14:${this.#network.toString(16)}::${host}`;

  /** The hub as the device reaches it. */
  get address(): string {
    return this.#of4(2);
  }
  get address6(): string {
    return this.#of6(2);
  }

  /** Of the hub, as the test reaches it whatever happens to the line. @param port of the hub */
  urlOf(port: string): string {
    return `http://${this.#of4(3)}:${port}`;
  }

  /** Starts a relay to a hub. */
  async relay(t: TestContext, orders: Pick<RelayOrders, 'hub'> & Partial<RelayOrders>): Promise<Relay> {
    const [execPath, ...words] = this.command;
    const child = fork(relayProgram, { ...(execPath ? { execPath } : {}), execArgv: [...words, process.execPath] });
    const gone = once(child, 'exit');
    atEnd(t, async () => {
      child.kill('SIGKILL');
      await gone;
    });
    const [news] = (await once(child, 'message')) as [RelayNews];
    if (!('port' in news)) throw new Error('the relay listens nowhere');
    const relay = new Relay(child, news.port);
    relay.tell(orders);
    return relay;
  }

  #there(...argv: string[]): void {
    const [file = '', ...words] = [...this.command, ...argv];
    execFileSync(file, words);
  }

  /** Loses this part of all packets, in both directions. */
  lose(percent: number): void {
    this.#meet(`numgen random mod 100 < ${percent} drop`);
  }

  /** From now on nothing arrives, and nobody is told. */
  cut(): void {
    this.#meet('drop');
  }

  /** Ends what {@link lose} and {@link cut} began. */
  heal(): void {
    this.#meet('');
  }

  #meet(fault: string): void {
    this.#fault = fault;
    const rules = (direction: string) => [`ip ${direction} ${this.address}`, `ip6 ${direction} ${this.address6}`];
    const chain = (hook: string, direction: string) =>
      `chain ${hook} {\ntype filter hook ${hook} priority 0;\n${rules(direction)
        .map((rule) => `${rule} ${this.#fault}\n`)
        .join('')}}\n`;
    const table = `table inet line {\n${chain('input', 'daddr')}${chain('output', 'saddr')}}\n`;
    const [file = '', ...words] = [...this.command, 'nft', '-f', '-'];
    execFileSync(file, words, { input: `flush ruleset\n${fault === '' ? '' : table}` });
  }

  /** From now on the hub sends at most so many kilobits a second. */
  narrow(kilobits: number): void {
    const shape = `root tbf rate ${kilobits}kbit burst 16kb latency 400ms`;
    this.#there('tc', 'qdisc', 'replace', 'dev', 'line', ...shape.split(' '));
  }

  widen(): void {
    this.#there('tc', 'qdisc', 'del', 'dev', 'line', 'root');
  }
}
