/**
 * A device at the end of a power cable: the whole program on the simulated machine, started again and again by what starts it on real
 * devices, until it rests.
 */

import type { MemoryHost } from '../../../apps/device/src/host/memory/host.ts';
import { decodeUtf8 } from '../../../apps/device/src/host/memory/utf8.ts';
import { HostError } from '../../../apps/device/src/host/ports.ts';
import { runProgram } from '../../../apps/device/src/program.ts';
import { Launcher, layout } from '../../device/launcher.ts';
import { behaviours, readMarks } from '../../device/revisions.ts';
import type { Tamper } from '../flow.ts';
import { disturbed, must, type Witness } from '../witness.ts';

/**
 * What starts the program. `launcher`: chooses the revision and remembers in memory what it has tried, as the app engine's does.
 * `service`: only starts it again, so that the program chooses and remembers.
 */
export type Starter = 'launcher' | 'service';

/** The log is kept where it costs no states; the collector runs only when it is asked. */
export const deviceEnvironment = {
  PV_LOG_DIR: '/run/logs',
  PV_LOG_LEVEL: '2',
  PV_UPDATER_COMMIT_DELAY: '10',
  PV_STORAGE_GC_THRESHOLD: '0',
};

/** More boots than any update needs. */
const mostBoots = 6;
/** Virtual time in which everything has to come to rest: longer than all time-outs together. */
const restLimit = 4 * 3_600_000;

export interface Boot {
  runtime: MemoryHost;
  /** Path of the control socket, once all goals are met. */
  socket: string | undefined;
  exitCode: number | undefined;
}

/** What a client does as soon as the device is ready for the first time. */
export type Session = (client: Client) => Promise<void>;

/** A client of the control socket. */
export class Client {
  readonly #boot: Boot;
  constructor(boot: Boot) {
    this.#boot = boot;
  }

  /** Sends a request. @returns its status and body; undefined when the device ended before it answered */
  async send(
    method: string,
    target: string,
    body: string | Uint8Array | Uint8Array[] = '',
  ): Promise<{ status: number; body: string } | undefined> {
    const { runtime, socket = '' } = this.#boot;
    try {
      const answer = runtime.request(socket, { method, target, body });
      const response = await runtime.runFor(answer);
      return response && { status: response.status, body: decodeUtf8(response.body) };
    } catch (error) {
      if (error instanceof HostError && error.code === 'ECONNREFUSED') return undefined;
      throw error;
    }
  }

  /** Waits until the device has ended what it was asked. */
  async rest(): Promise<void> {
    must(await this.#boot.runtime.runUntilIdle(restLimit), 'the device does not come to rest');
  }
}

export class PoweredDevice {
  readonly #host: MemoryHost;
  readonly #witness: Witness;
  readonly #starter: Starter;
  readonly #tamper: Tamper;
  /** What it remembers is gone with the power, as this object is. */
  readonly #launcher = new Launcher();
  #boots = 0;

  constructor(host: MemoryHost, witness: Witness, options: { starter: Starter; tamper: Tamper }) {
    this.#host = host;
    this.#witness = witness;
    this.#starter = options.starter;
    this.#tamper = options.tamper;
  }

  /**
   * Starts the device, and again whenever it asks for it, until nothing is left to happen.
   * @returns the last boot
   * @throws Violation when it does not come to rest, or ends for good
   */
  async runToRest(session?: Session): Promise<Boot> {
    let next = session;
    for (;;) {
      must(this.#boots < mostBoots, `the device restarts for ever: ${this.#boots} boots without rest`);
      const boot = await this.#start();
      if (next !== undefined && boot.socket !== undefined) {
        await next(new Client(boot));
        next = undefined;
      }
      must(await boot.runtime.runUntilIdle(restLimit), 'the device does not come to rest');
      if (boot.exitCode === undefined) return boot;
      must(
        boot.exitCode === 0 || this.#witness.knows(disturbed),
        `the program ended with code ${boot.exitCode}:\n${lastWords(boot)}`,
      );
    }
  }

  async #start(): Promise<Boot> {
    this.#boots += 1;
    const runtime = this.#host.restartRuntime({
      arguments: ['--storage', '/data', '--verbose', ...(await this.#arguments())],
      environment: deviceEnvironment,
    });
    this.#watchContainers(runtime);
    const boot: Boot = { runtime, socket: undefined, exitCode: undefined };
    runProgram({ ...runtime, files: this.#tamper(runtime.files) }).then((code) => {
      boot.exitCode = code;
    });
    const ready = () => /^ready socket=(\S+)$/m.exec(printed(runtime))?.[1];
    const ended = () => boot.exitCode !== undefined;
    await runtime.settle();
    for (; ready() === undefined && !ended(); await runtime.settle())
      if (!runtime.machine.timeline.fireNext(restLimit)) break;
    boot.socket = ready();
    return boot;
  }

  async #arguments(): Promise<string[]> {
    if (this.#starter === 'service') return [];
    const host = this.#host.restartRuntime();
    const next = await this.#launcher.choose(host);
    // The program puts back what was interrupted, but it has to be booted for that: a boot loader looks before.
    const { state } = layout.revision(next.revision);
    must((await host.files.status(state)) !== undefined, `a boot loader finds no revision ${next.revision} to boot`);
    return next.arguments;
  }

  /** Containers do as their configuration says; the world sees which revisions are booted and run, and how often the former. */
  #watchContainers({ machine }: MemoryHost): void {
    const boot = `${machine.powerCuts}.${this.#boots}`;
    let first = true;
    machine.scripts.set('app', ({ config }) => {
      const { behaviour, revision } = readMarks(config);
      const fact = `booted ${revision}`;
      if (first) this.#witness.learn(fact, `${this.#witness.value(fact) ?? ''} ${boot}`.trim());
      first = false;
      return behaviours[behaviour];
    });
  }
}

/** What a runtime has printed, log lines included. */
export function printed({ record }: MemoryHost): string {
  return record.printed.map(({ text }) => text).join('');
}

function lastWords({ runtime }: Boot): string {
  return printed(runtime).split('\n').slice(-8).join('\n');
}
