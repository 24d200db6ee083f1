/** A virtual machine as a child process: started, watched, killed at any moment, and gone with whoever started it. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emulators, type MachineOptions } from './command-line.ts';
import { MachineConsole } from './console.ts';
import type { QemuControl } from './control.ts';
import { type MachineEndReason, type QemuEnd, QemuProcess } from './process.ts';

export interface MachineEnd {
  reason: MachineEndReason;
  /** What QEMU wrote on standard error. */
  messages: string;
}

export interface RunLimits {
  /** After so many seconds the machine is killed, whatever it does. */
  seconds: number;
}

/** Options of the QEMU that takes the place of one which a reset has ended. */
export type Restart = () => Promise<MachineOptions>;

export class Machine {
  readonly console: MachineConsole;
  /** Fulfilled when QEMU is gone and nothing of it is left. */
  readonly ended: Promise<MachineEnd>;
  readonly #folder: string;
  #process: QemuProcess;
  #reason: MachineEndReason | undefined;
  #forwarded: Promise<Map<number, number>> | undefined;

  private constructor(options: MachineOptions, folder: string, { seconds }: RunLimits, restart: Restart | undefined) {
    this.#folder = folder;
    this.console = new MachineConsole((text) => this.#process.write(text));
    this.#process = this.#start(options);
    const alarm = setTimeout(() => void this.#end('timeout'), seconds * 1000);
    this.ended = this.#live(options, restart).finally(() => clearTimeout(alarm));
  }

  /**
   * Starts a machine. Its serial console is `console`; what it prints is kept from the first byte on.
   * It dies with this process, also when this process is killed.
   * @param restart asked when a reset has ended QEMU: console and forwarded ports go on with another one. Default: the machine ends
   * @throws Error when QEMU for the architecture is not installed
   */
  static async start(options: MachineOptions, limits: RunLimits, restart?: Restart): Promise<Machine> {
    const { program, package: name } = emulators[options.architecture];
    if (!(process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program))))
      throw new Error(`cannot find ${program}; install the Debian package ${name}`);
    return new Machine(options, await mkdtemp(join(tmpdir(), 'pv-machine-')), limits, restart);
  }

  /** Control connection of the QEMU that runs now. */
  get control(): QemuControl {
    return this.#process.control;
  }

  /** Process id of the QEMU that runs now. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Pulls the plug: nothing of the machine runs any more from this instant on. */
  kill(): Promise<MachineEnd> {
    return this.#end('killed');
  }

  /**
   * Port on loopback that leads to a port of the guest.
   * @throws Error when it was not asked for at the start
   */
  async port(guest: number): Promise<number> {
    this.#forwarded ??= this.#readForwards();
    const port = (await this.#forwarded).get(guest);
    if (port === undefined) throw new Error(`cannot reach port ${guest} of the machine: it is not forwarded`);
    return port;
  }

  #start(options: MachineOptions): QemuProcess {
    return new QemuProcess(options, join(this.#folder, 'qmp'), (text) => this.console.feed(text));
  }

  #end(reason: MachineEndReason): Promise<MachineEnd> {
    this.#reason ??= reason;
    this.#process.kill();
    return this.ended;
  }

  /** One QEMU after the other, until one ends by something else than a reset. */
  async #live(options: MachineOptions, restart: Restart | undefined): Promise<MachineEnd> {
    for (;;) {
      // Only a QEMU that lives tells which free ports it took.
      if (restart !== undefined && options.forwards !== undefined) this.#forwarded ??= this.#readForwards();
      const end = await this.#process.ended;
      const isReset = end.reason === 'reset' || end.reason === 'watchdog';
      if (restart === undefined || !isReset || this.#reason !== undefined)
        return await this.#finish({ ...end, reason: this.#reason ?? end.reason });
      try {
        options = await this.#withSamePorts(await restart());
      } catch (error) {
        return await this.#finish({ reason: 'failed', messages: (error as Error).message, status: 'not restarted' });
      }
      // The plug may have been pulled in between.
      if (this.#reason === undefined) this.#process = this.#start(options);
    }
  }

  async #finish({ reason, messages, status }: QemuEnd): Promise<MachineEnd> {
    const why = reason === 'failed' ? `${reason}, ${status}` : reason;
    this.console.end(`the machine ended (${why})${messages === '' ? '' : `: ${messages}`}`);
    await rm(this.#folder, { recursive: true, force: true });
    return { reason, messages };
  }

  async #withSamePorts(options: MachineOptions): Promise<MachineOptions> {
    const taken = await this.#forwarded?.catch(() => undefined);
    if (taken === undefined) this.#forwarded = undefined;
    if (options.forwards === undefined || taken === undefined) return options;
    return {
      ...options,
      forwards: options.forwards.map(({ guest, host }) => ({ guest, host: taken.get(guest) ?? host })),
    };
  }

  /** QEMU tells which free ports it took only as text for people. */
  #readForwards(): Promise<Map<number, number>> {
    const read = async () => {
      const table = String(await this.control.execute('human-monitor-command', { 'command-line': 'info usernet' }));
      const rules = table.matchAll(/TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+(\d+)/g);
      return new Map([...rules].map(([, host, guest]) => [Number(guest), Number(host)]));
    };
    const forwards = read();
    // Whoever asks for a port hears of it.
    forwards.catch(() => {});
    return forwards;
  }
}
