/** One device of the swarm: the whole program on a simulated machine, in our time, started again by what starts it on real devices. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterRuntime } from '../../apps/device/src/bootenv/launcher.ts';
import type { ContainerScript } from '../../apps/device/src/host/memory/container-script.ts';
import { createMemoryHost, type MemoryHost } from '../../apps/device/src/host/memory/host.ts';
import { replayed } from '../../apps/device/src/host/memory/random.ts';
import { runProgram } from '../../apps/device/src/program.ts';
import { readCurrent } from '../../apps/device/src/storage/revisions.ts';
import { factoryArguments, Launcher, layout, putFactory } from '../device/launcher.ts';
import { behaviours, type Revision, readMarks } from '../device/revisions.ts';
import { type DeviceHttpClient, deviceHttpClient } from './http-client.ts';
import { LiveTimeline } from './live-timeline.ts';
import type { Meter } from './meter.ts';

export interface SwarmDeviceOptions {
  /** Counts from 1. */
  number: number;
  /** For its own random numbers, and for what a power cut leaves of its disk. */
  seed: number;
  factory: Revision;
  /** Configuration of the runtime. */
  settings: Record<string, string>;
  meter: Meter;
  /** Whether the container `app` of a revision ends by itself on this device. */
  spoils: (revision: string) => boolean;
}

/** Milliseconds without power. */
const darkness = 500;
const lastWords = 6;

export class SwarmDevice {
  readonly number: number;
  /** Starts of the program so far. */
  boots = 0;
  powerCuts = 0;
  /** What must not happen, in words. */
  readonly problems: string[] = [];
  readonly #options: SwarmDeviceOptions;
  #host: MemoryHost | undefined;
  #client: DeviceHttpClient | undefined;
  #off = false;

  constructor(options: SwarmDeviceOptions) {
    this.number = options.number;
    this.#options = options;
  }

  /** Lives, through restarts and power cuts, until it is switched off or its program ends for good, which is a problem. */
  async live(): Promise<void> {
    const { factory, seed, spoils } = this.#options;
    const app: ContainerScript = ({ config }) => {
      const { behaviour, revision } = readMarks(config);
      return spoils(revision) ? behaviours.exits : behaviours[behaviour];
    };
    let host = createMemoryHost({
      seed,
      wall: Date.now(),
      timeline: (wall) => new LiveTimeline(wall),
      containers: { app },
      sha256: (data) => createHash('sha256').update(data).digest('hex'),
    });
    await putFactory(host, factory);
    let launcher = new Launcher();
    while (!this.#off) {
      const end = await this.#runOnce(host, launcher);
      if (this.#off || end === 'stopped') return;
      if (end === 'again') continue;
      host = host.crash(end === 'cut' ? { seed: seed + this.powerCuts } : { choose: replayed([]) });
      launcher = new Launcher();
      if (end === 'cut') await sleep(darkness);
    }
  }

  /** One run of the program. @returns why it is over */
  async #runOnce(host: MemoryHost, launcher: Launcher): Promise<'again' | 'cut' | 'restart' | 'stopped'> {
    this.boots += 1;
    const boot = this.boots === 1 ? factoryArguments : (await launcher.choose(host.restartRuntime())).arguments;
    const runtime = host.restartRuntime({
      arguments: ['--storage', '/data', ...boot],
      environment: { PV_LOG_DIR: layout.logs, ...this.#options.settings },
    });
    this.#host = runtime;
    const client = deviceHttpClient(runtime.files, this.#options.meter);
    this.#client = client;
    const end = await Promise.race([runProgram({ ...runtime, httpClient: client }), runtime.machine.powerLost]);
    client.hangUp();
    if (end === 'cut') {
      this.powerCuts += 1;
      return 'cut';
    }
    if (typeof end === 'string') return 'restart';
    const next = afterRuntime({ code: end }, this.#off);
    if (next.action === 'boot') return 'again';
    if (!this.#off) {
      const words = runtime.record.printed.slice(-lastWords).map(({ text }) => text.trimEnd());
      this.problems.push(`its program ended with code ${end}: ${words.join(' | ')}`);
    }
    return 'stopped';
  }

  /** The power goes at the `effects`-th change of the disk from now on. */
  cutPowerAfter(effects: number): void {
    this.#host?.cutAfter(effects);
  }

  /** What it is at the hub; undefined until it has registered. */
  async id(): Promise<string | undefined> {
    const text = await this.#read('device-id');
    return text === undefined || text === '' ? undefined : text;
  }

  /** Name of the revision that it runs, as its storage has it. */
  async running(): Promise<string | undefined> {
    return this.#host && (await readCurrent(this.#host.files, layout));
  }

  /** Switches it off in order. */
  switchOff(): void {
    this.#off = true;
    this.#client?.hangUp();
    this.#host?.killRuntime();
    this.#host?.machine.switchOff('poweroff');
  }

  /** A file beside its control socket. */
  async #read(name: string): Promise<string | undefined> {
    const host = this.#host;
    const socket = host && Array.from(host.machine.servers.keys()).find((path) => path.endsWith('/pv-ctrl'));
    if (socket === undefined) return undefined;
    const path = socket.replace(/[^/]+$/, name);
    return (await host?.files.status(path)) === undefined ? undefined : (await host?.files.readText(path))?.trim();
  }
}
