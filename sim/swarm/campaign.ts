/**
 * What a fleet goes through: its devices join, all get a revision, some of them fail with it, some lose their power on the way, the hub dies in the middle;
 * then who failed is found, and gets the earlier revision back. In the end every device runs what the hub says.
 */
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededChoice } from '../../apps/device/src/host/memory/random.ts';
import { quantile } from '../../bench/measure/table.ts';
import { makeRevision, type Revision } from '../device/revisions.ts';
import { SwarmDevice } from './device.ts';
import type { FleetHub, StepNews } from './fleet-hub.ts';
import { Meter, type RouteFigures } from './meter.ts';

export interface SwarmOptions {
  devices: number;
  /** Devices on which the new revision does not hold. */
  broken: number;
  /** Devices that lose their power during the update. */
  powerCuts: number;
  /** Whether the hub is killed during the update, and comes back. */
  killHub: boolean;
  /** Whether the new revision takes a restart of the device. */
  restart: boolean;
  seed: number;
  /** Milliseconds after which a stage that has not ended is given up. */
  patience: number;
  /** Further configuration of the devices. */
  settings: Record<string, string>;
}

export interface StageFigures {
  stage: string;
  devices: number;
  milliseconds: number;
}

export interface SwarmReport {
  stages: StageFigures[];
  /** Milliseconds from a posted step to its end at the hub, of those that ended well. */
  update: { p50: number; p95: number; greatest: number };
  /** Devices that failed with the new revision, by what the hub says of it. */
  failed: { nick: string; message: string }[];
  powerCuts: number;
  /** Restarts of the program beyond the first start and those after power cuts. */
  restarts: number;
  routes: RouteFigures[];
  /** Everything that must not be; none when all is well. */
  problems: string[];
}

/** A fleet that cannot go on. */
export class SwarmError extends Error {
  override readonly name = 'SwarmError';
}

/** Tells how far a stage is. */
export type Tell = (stage: string, done: number, all: number) => void;

/** Devices that start in the same moment. */
const startsAtOnce = 25;
/** Steps that are posted in the same moment. */
const postsAtOnce = 20;
/** Devices tell nobody that they have joined. */
const lookAgain = 250;
const hubIsAway = 1_500;
const mostDiskChanges = 40;
const good = new Set(['DONE', 'UPDATED']);
const bad = new Set(['ERROR', 'WONTGO']);

interface Posted {
  rev: number;
  begin: number;
  end?: { status: string; message: string; milliseconds: number };
}

export class Campaign {
  readonly devices: SwarmDevice[];
  readonly meter = new Meter();
  readonly #hub: FleetHub;
  readonly #options: SwarmOptions;
  readonly #tell: Tell;
  readonly #stop = new AbortController();
  readonly #lives: Promise<void>[] = [];
  /** Devices by their ids at the hub. */
  readonly #ids = new Map<string, SwarmDevice>();
  /** The last step of each device, by its id. */
  readonly #posted = new Map<string, Posted>();
  readonly #stages: StageFigures[] = [];
  readonly #problems: string[] = [];
  readonly #factory = makeRevision('0');
  readonly #next: Revision;
  /** `progress`: something that a stage waits for may have come. */
  readonly #news = new EventEmitter();
  /** What was heard of steps before whoever posted them had an answer. */
  readonly #early: StepNews[] = [];
  readonly #broken: ReadonlySet<number>;
  readonly #cut: ReadonlySet<number>;
  readonly #choose: (count: number) => number;

  constructor(hub: FleetHub, joinToken: string, options: SwarmOptions, tell: Tell) {
    this.#hub = hub;
    this.#options = options;
    this.#tell = tell;
    this.#next = makeRevision('new', { policy: options.restart ? 'system' : 'container' });
    const { hostname, protocol, port } = new URL(hub.url);
    const settings = {
      PV_CONTROL_REMOTE: '1',
      PH_CREDS_HOST: protocol === 'http:' ? `http://${hostname}` : hostname,
      PH_CREDS_PORT: port === '' ? '443' : port,
      PH_FACTORY_AUTOTOK: joinToken,
      PV_UPDATER_COMMIT_DELAY: '2',
      ...options.settings,
    };
    const choose = seededChoice(options.seed);
    const numbers = Array.from({ length: options.devices }, (_, index) => index + 1);
    const broken = new Set(draw(numbers, options.broken, choose));
    this.devices = numbers.map(
      (number) =>
        new SwarmDevice({
          number,
          seed: options.seed * 1_000_003 + number * 101,
          factory: this.#factory,
          settings,
          meter: this.meter,
          spoils: (revision) => revision === this.#next.name && broken.has(number),
        }),
    );
    this.#broken = broken;
    this.#cut = new Set(draw(numbers, options.powerCuts, choose));
    this.#choose = choose;
  }

  /** Runs it all. @throws Error when a stage is not over in time; devices go on until they are switched off */
  async run(): Promise<SwarmReport> {
    void this.#hub.follow(this.#stop.signal, (news) => this.#hear(news));
    const ids = this.#ids;
    await this.#stage('join', this.#options.devices, () => this.#join());
    await this.#hub.upload(this.#next);
    const update = await this.#stage('update', ids.size, () => this.#update());
    const failed = await this.#hub.fleet('status:failed');
    const failures = failed.map(({ nick, 'status-msg': message }) => ({ nick, message }));
    if (failed.length > 0)
      await this.#stage('mend', failed.length, () =>
        this.#deploy(
          'mend',
          failed.map(({ id }) => id),
          this.#factory,
        ),
      );
    await this.#check(new Set(failed.map(({ id }) => id)));
    return this.#report(update, failures);
  }

  /** Switches all devices off. */
  async end(): Promise<void> {
    this.#stop.abort();
    for (const device of this.devices) device.switchOff();
    await Promise.all(this.#lives);
  }

  async #stage<Result>(stage: string, devices: number, act: () => Promise<Result>): Promise<Result> {
    const begin = performance.now();
    const result = await act();
    this.#stages.push({ stage, devices, milliseconds: performance.now() - begin });
    return result;
  }

  /**
   * Waits until a count is reached; it is taken again when there is news.
   * @param most milliseconds without news after which it is taken, too: of what nobody tells
   * @throws SwarmError when a device has ended, or it takes too long
   */
  async #until(stage: string, all: number, count: () => Promise<number> | number, most?: number): Promise<void> {
    const late = AbortSignal.timeout(this.#options.patience);
    for (;;) {
      const signal = most === undefined ? late : AbortSignal.any([late, AbortSignal.timeout(most)]);
      const news = once(this.#news, 'progress', { signal }).catch(() => undefined);
      const done = await count();
      this.#tell(stage, done, all);
      if (done >= all) return;
      const dead = this.devices.find(({ problems }) => problems.length > 0);
      if (dead !== undefined) throw new SwarmError(`device ${dead.number}: ${dead.problems.join('; ')}`);
      if (late.aborted)
        throw new SwarmError(
          `cannot ${stage} all devices within ${this.#options.patience / 1000} s: ${done} of ${all} did; refused or failed requests: ${refusals(this.meter)}`,
        );
      await news;
    }
  }

  /** Switches the devices on, some at a time, and waits until each is known. */
  async #join(): Promise<void> {
    const ids = this.#ids;
    const waiting = new Set(this.devices);
    const begun = new Set<SwarmDevice>();
    const ready = new Set<string>();
    await this.#until(
      'join',
      this.devices.length,
      async () => {
        for (const device of this.devices) {
          if (begun.size - ids.size >= startsAtOnce) break;
          if (begun.has(device)) continue;
          begun.add(device);
          this.#lives.push(device.live().finally(() => this.#news.emit('progress')));
        }
        for (const device of waiting) {
          if (!begun.has(device)) break;
          const id = await device.id();
          if (id === undefined) continue;
          ids.set(id, device);
          waiting.delete(device);
        }
        // Its first revision is there and has been reported: it asks for steps.
        for (const { id } of await this.#hub.fleet('status:good')) ready.add(id);
        return Array.from(ids.keys()).filter((id) => ready.has(id)).length;
      },
      lookAgain,
    );
  }

  /** Gives the new revision to all. @returns milliseconds of each update that went well */
  async #update(): Promise<number[]> {
    const ids = this.#ids;
    for (const device of ids.values())
      if (this.#cut.has(device.number)) device.cutPowerAfter(1 + this.#choose(mostDiskChanges));
    const crash = this.#options.killHub ? this.#killHubLater(ids.size) : Promise.resolve();
    await this.#deploy('update', Array.from(ids.keys()), this.#next);
    await crash;
    return Array.from(this.#posted.values()).flatMap(({ end }) =>
      end !== undefined && good.has(end.status) ? [end.milliseconds] : [],
    );
  }

  /** Kills the hub as soon as a third of the devices have ended, and brings it back. */
  async #killHubLater(all: number): Promise<void> {
    const late = AbortSignal.timeout(this.#options.patience);
    while (this.#ended() < all / 3 && !late.aborted)
      await once(this.#news, 'progress', { signal: late }).catch(() => undefined);
    await this.#hub.crash(hubIsAway);
  }

  /** Posts a revision to devices and waits until each has ended it, well or not. */
  async #deploy(stage: string, ids: readonly string[], revision: Revision): Promise<void> {
    this.#posted.clear();
    const queue = [...ids];
    const post = async () => {
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
        const begin = performance.now();
        const rev = await this.#patiently(id, revision);
        this.#posted.set(id, { rev, begin });
      }
    };
    await Promise.all(Array.from({ length: postsAtOnce }, post));
    // A device may have been quicker than the answer to who posted.
    for (const news of this.#early.splice(0)) this.#hear(news);
    await this.#until(stage, ids.length, () => this.#ended());
  }

  /** Posts a step, again when the hub was away. */
  async #patiently(id: string, revision: Revision): Promise<number> {
    const end = performance.now() + this.#options.patience;
    for (;;) {
      try {
        return await this.#hub.post(id, revision);
      } catch (error) {
        if (!(error instanceof TypeError) || performance.now() > end) throw error;
        await sleep(200);
      }
    }
  }

  #hear(news: StepNews): void {
    const { device, rev, status, message } = news;
    const posted = this.#posted.get(device);
    if (!this.#ids.has(device) || !(good.has(status) || bad.has(status))) return;
    if (posted === undefined || posted.rev < rev) return void this.#early.push(news);
    if (posted.rev !== rev || posted.end !== undefined) return;
    posted.end = { status, message, milliseconds: performance.now() - posted.begin };
    this.#news.emit('progress');
  }

  #ended(): number {
    return Array.from(this.#posted.values()).filter(({ end }) => end !== undefined).length;
  }

  /** Compares what every device runs with what the hub says, and who failed with who had to. */
  async #check(failed: ReadonlySet<string>): Promise<void> {
    const fleet = new Map((await this.#hub.fleet()).map((device) => [device.id, device]));
    for (const [id, device] of this.#ids) {
      const says = (problem: string) => this.#problems.push(`device ${device.number} (${id}): ${problem}`);
      const known = fleet.get(id);
      if (known === undefined) {
        says('the hub does not know it');
        continue;
      }
      if (!good.has(known.status)) says(`it ended as ${known.status} ${known['status-msg']}`);
      const running = await device.running();
      if (running !== String(known['progress-revision']))
        says(`it runs revision ${running}, the hub says ${known['progress-revision']}`);
      if (this.#broken.has(device.number) && !failed.has(id))
        says('the new revision does not hold on it, yet it was kept');
      const mayFail = this.#broken.has(device.number) || device.powerCuts > 0;
      if (failed.has(id) && !mayFail) says('it failed without a reason');
      for (const problem of device.problems) says(problem);
    }
  }

  #report(update: number[], failed: SwarmReport['failed']): SwarmReport {
    const sum = (pick: (device: SwarmDevice) => number) => this.devices.reduce((all, one) => all + pick(one), 0);
    return {
      stages: this.#stages,
      update: { p50: quantile(update, 0.5), p95: quantile(update, 0.95), greatest: Math.max(...update) },
      failed,
      powerCuts: sum(({ powerCuts }) => powerCuts),
      restarts: sum(({ boots, powerCuts }) => boots - 1 - powerCuts),
      routes: this.meter.figures(),
      problems: this.#problems,
    };
  }
}

/** What a hub would not do, e.g. `30 POST /devices/ 403`. */
function refusals(meter: Meter): string {
  const lines = meter
    .figures()
    .flatMap(({ route, others }) => Object.entries(others).map(([outcome, count]) => `${count} ${route} ${outcome}`));
  return lines.length === 0 ? 'none' : lines.join(', ');
}

/** Some of a list, each once. */
function draw<Item>(list: readonly Item[], count: number, choose: (count: number) => number): Item[] {
  const rest = [...list];
  return Array.from({ length: Math.min(count, list.length) }, () => rest.splice(choose(rest.length), 1)[0]!);
}
