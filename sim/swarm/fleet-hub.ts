/** The hub that a swarm lives on, as the owner of its devices sees it. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  authRoutes,
  changeRoutes,
  deviceRoutes,
  type FleetDevice,
  fleetRoutes,
  HubCallError,
  HubClient,
  objectRoutes,
  readHubEvents,
  trailRoutes,
} from '@pantavisor/hub-api';
import { type HubProcess, startProcess } from '../../tests/hub/support/process.ts';
import type { Revision } from '../device/revisions.ts';

/** A hub that runs already. */
export interface OtherHub {
  url: string;
  username: string;
  password: string;
}

/** What the hub knows of a step that a device works on. */
export interface StepNews {
  device: string;
  rev: number;
  status: string;
  message: string;
}

const pageSize = 500;
const reconnectAfter = 300;
/** Should the swarm be killed, the kernel asks the hub to stop (PR_SET_PDEATHSIG, prctl(2)). */
const command = ['setpriv', '--pdeathsig', 'TERM'];

export class FleetHub {
  readonly url: string;
  /** Absent when the hub is not ours. */
  #process: HubProcess | undefined;
  readonly #data: string | undefined;
  readonly #client: HubClient;
  /** Tag of the devices of this run, for the account may have others, which are not ours to change. */
  readonly #tag = randomBytes(4).toString('hex');
  readonly #login: { username: string; password: string };

  private constructor(login: OtherHub, own?: { data: string; process: HubProcess }) {
    this.url = login.url;
    this.#login = { username: login.username, password: login.password };
    this.#client = new HubClient({ baseUrl: login.url, userAgent: 'swarm' });
    this.#data = own?.data;
    this.#process = own?.process;
  }

  /** Starts a hub on a free port of the loopback interface. @param data its directory */
  static async start(data: string): Promise<FleetHub> {
    const process = await FleetHub.#startProcess(data, '0');
    const hub = new FleetHub({ url: process.url, username: 'user1', password: 'user1' }, { data, process });
    await hub.#logIn();
    return hub;
  }

  /** Logs in to a hub that runs. @throws Error that names the hub when it does not answer or refuses */
  static async join(other: OtherHub): Promise<FleetHub> {
    const hub = new FleetHub(other);
    try {
      await hub.#logIn();
    } catch (error) {
      if (error instanceof HubCallError) throw error;
      const { cause, message } = error as Error;
      throw new Error(`cannot reach ${other.url}: ${cause instanceof Error ? cause.message : message}`);
    }
    return hub;
  }

  static #startProcess(data: string, port: string): Promise<HubProcess> {
    return startProcess(
      { data, port, 'demo-accounts': 'true', 'default-plan': 'UNLIMITED', 'stop-seconds': '1' },
      { command },
    );
  }

  async #logIn(): Promise<void> {
    this.#client.setToken((await this.#client.call(authRoutes.login, { body: this.#login })).token);
  }

  /** Process id of our own hub. */
  get pid(): number | undefined {
    return this.#process?.process.pid;
  }

  /** Kills our own hub, lets some time pass, and starts it again with the same data on the same port. */
  async crash(milliseconds: number): Promise<void> {
    if (this.#process === undefined || this.#data === undefined) throw new Error('cannot kill a hub of somebody else');
    await this.#process.end('SIGKILL');
    await sleep(milliseconds);
    this.#process = await FleetHub.#startProcess(this.#data, new URL(this.url).port);
  }

  /** Stops it if it is ours. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM');
  }

  /** Query line that shows the devices of this run, in the console too. */
  get query(): string {
    return `tag:swarm=${this.#tag}`;
  }

  /** Makes a token: devices that present it belong to the account at once, and bear the tag of this run. */
  async joinToken(): Promise<string> {
    const body = { nick: `swarm ${this.#tag}`, 'default-user-meta': { 'tag.swarm': this.#tag } };
    return (await this.#client.call(deviceRoutes.createToken, { body })).token ?? '';
  }

  /** Devices of this run that match more terms of a query line, all of them. */
  async fleet(terms = ''): Promise<FleetDevice[]> {
    const found: FleetDevice[] = [];
    for (;;) {
      const query = {
        q: `${this.query} ${terms}`,
        sort: 'nick',
        'page[size]': String(pageSize),
        'page[offset]': String(found.length),
      };
      const { devices, total } = await this.#client.call(fleetRoutes.devices, { query });
      found.push(...devices);
      if (found.length >= total || devices.length === 0) return found;
    }
  }

  /** Uploads what the hub does not have of a revision. */
  async upload({ state, objects }: Revision): Promise<void> {
    for (const [name, id] of Object.entries(JSON.parse(state) as Record<string, unknown>)) {
      const content = typeof id === 'string' ? objects.get(id) : undefined;
      if (typeof id !== 'string' || content === undefined) continue;
      try {
        const body = { objectname: name, size: String(content.length), sha256sum: id };
        const made = await this.#client.call(objectRoutes.create, { body });
        const put = await fetch(made['signed-puturl'], { method: 'PUT', body: new Uint8Array(content) });
        if (put.status !== 200) throw new Error(`cannot upload ${name}: the hub answered ${put.status}`);
      } catch (error) {
        if (!(error instanceof HubCallError && error.status === 409)) throw error;
      }
    }
  }

  /** Posts a revision as the next step of a device. @returns its number */
  async post(device: string, { name, state }: Revision): Promise<number> {
    const body = { rev: -1, 'commit-msg': name, state: JSON.parse(state) as Record<string, unknown> };
    const { rev } = await this.#client.call(trailRoutes.post, { params: { id: device }, body });
    return rev;
  }

  /** What the hub tells of steps, until it hangs up or is not there. */
  async *#listen(signal: AbortSignal): AsyncGenerator<StepNews | 'begin' | 'lost'> {
    const response = await this.#client.request(changeRoutes.events, { query: { topics: 'step' }, signal });
    // A token does not last as long as a swarm may.
    if (response.status === 401) await this.#logIn();
    if (response.status !== 200) return;
    yield 'begin';
    for await (const { event } of readHubEvents(response)) {
      if (event.type === 'lost') yield 'lost';
      if (event.type !== 'step' || event.what !== 'progress' || event.progress === undefined) continue;
      const { status, 'status-msg': message } = event.progress;
      yield { device: event.device, rev: event.rev, status, message };
    }
  }

  /**
   * Tells what happens to steps, until `signal` is aborted, however often the hub goes and comes back: after each pause it says what it has missed,
   * as far as the fleet shows it.
   */
  async follow(signal: AbortSignal, tell: (news: StepNews) => void): Promise<void> {
    const catchUp = async () => {
      for (const device of await this.fleet())
        tell({
          device: device.id,
          rev: device['progress-revision'],
          status: device.status,
          message: device['status-msg'],
        });
    };
    while (!signal.aborted) {
      try {
        for await (const news of this.#listen(signal)) {
          if (typeof news === 'string') await catchUp();
          else tell(news);
        }
      } catch {
        // The hub is away.
      }
      if (!signal.aborted) await sleep(reconnectAfter);
    }
  }
}
