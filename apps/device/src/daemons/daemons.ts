/** Keeps the daemons of the device running: one slot for each row of the table (tools.md §2). */
import type { DaemonJson } from '@pantavisor/ctrl-api';
import type { Host, SpawnedProcess } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import { findNoted, noteProcess } from '../runtime/process-note.ts';
import type { DaemonSpec } from './table.ts';

/** Pause before any start but the first, so that a daemon that ends at once does not eat the machine. */
export const respawnDelay = 5_000;

const programMode = 0o111;

interface Slot {
  readonly spec: DaemonSpec;
  respawn: boolean;
  /** The revision needs it, or somebody has started it. */
  wanted: boolean;
  /** Whether it ended with respawn switched off, which the list shows as pid -1. */
  ended: boolean;
  started: boolean;
  process: SpawnedProcess | undefined;
  cancel: (() => void) | undefined;
  /** Start or stop under way. */
  work: Promise<void>;
}

/** How a daemon is started that comes with the runtime, whatever the table says. */
export interface OwnDaemon {
  program?: string;
  argv: readonly string[];
}

export interface DaemonsParts {
  host: Pick<Host, 'files' | 'processes' | 'clock'>;
  specs: readonly DaemonSpec[];
  mode: DaemonSpec['modes'][number];
  /** Commands of daemons by name. */
  own?: Readonly<Record<string, OwnDaemon>>;
  /** Directory of notes about processes, which the next runtime finds after a crash of this one. */
  notes: string;
  log: Log;
}

export class Daemons {
  readonly #parts: DaemonsParts;
  readonly #slots: readonly Slot[];
  #closed = false;

  constructor(parts: DaemonsParts) {
    this.#parts = parts;
    this.#slots = parts.specs.map((spec) => ({
      spec,
      respawn: true,
      wanted: spec.onDemand !== true,
      ended: false,
      started: false,
      process: undefined,
      cancel: undefined,
      work: Promise.resolve(),
    }));
  }

  /** Ends what an earlier runtime left running, and starts every daemon that this device has. */
  async open(): Promise<void> {
    for (const slot of this.#slots) await this.#endLeftOver(slot);
    for (const slot of this.#slots) await this.#spawn(slot);
  }

  /** As `GET /daemons` shows them. */
  list(): DaemonJson[] {
    return this.#slots.map(({ spec, process, ended, respawn }) => ({
      name: spec.name,
      pid: process?.pid ?? (ended ? -1 : 0),
      respawn,
    }));
  }

  has(name: string): boolean {
    return this.#slots.some(({ spec }) => spec.name === name);
  }

  /** Starts a daemon, five seconds later if it has run before, and keeps it running. One that runs, or that is unknown, is left alone. */
  start(name: string): void {
    const slot = this.#find(name);
    if (slot === undefined || this.#closed) return;
    slot.respawn = true;
    slot.wanted = true;
    slot.ended = false;
    if (slot.process === undefined && slot.cancel === undefined) this.#spawnLater(slot);
  }

  /** Asks a daemon to end and does not start it again. */
  stop(name: string): void {
    const slot = this.#find(name);
    if (slot === undefined) return;
    slot.respawn = false;
    slot.cancel?.();
    slot.cancel = undefined;
    if (slot.process === undefined) slot.ended = true;
    else slot.process.signal('SIGTERM');
  }

  /** Says whether the revision needs a daemon that runs on demand. One that is not needed any more ends; what a person has stopped stays stopped. */
  need(name: string, isNeeded: boolean): void {
    const slot = this.#find(name);
    if (slot === undefined || this.#closed || !slot.respawn || slot.wanted === isNeeded) return;
    slot.wanted = isNeeded;
    if (!isNeeded) {
      slot.cancel?.();
      slot.cancel = undefined;
      slot.process?.signal('SIGTERM');
    } else if (slot.process === undefined && slot.cancel === undefined) this.#spawnLater(slot);
  }

  /** Sends a signal to a daemon, if it runs. */
  signal(name: string, signal: string): void {
    this.#find(name)?.process?.signal(signal);
  }

  /** Stops all. @returns when each has ended, or had its time to */
  async close(patience = respawnDelay): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#slots.map(({ work }) => work));
    const running = this.#slots.flatMap(({ process }) => (process === undefined ? [] : [process]));
    for (const { spec } of this.#slots) this.stop(spec.name);
    await Promise.all(running.map((process) => this.#ended(process, patience)));
  }

  #find(name: string): Slot | undefined {
    return this.#slots.find(({ spec }) => spec.name === name);
  }

  #ended(process: SpawnedProcess, patience: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.host.clock.after(patience, () => {
        process.signal('SIGKILL');
        resolve();
      });
      void process.exited.then(() => {
        cancel();
        resolve();
      });
    });
  }

  #spawnLater(slot: Slot): void {
    const { clock } = this.#parts.host;
    slot.cancel = clock.after(slot.started ? respawnDelay : 0, () => {
      slot.cancel = undefined;
      slot.work = this.#spawn(slot);
    });
  }

  async #spawn(slot: Slot): Promise<void> {
    const { host, log } = this.#parts;
    const { name } = slot.spec;
    if (this.#closed || slot.process !== undefined) return;
    const command = await this.#command(slot.spec);
    if (command === undefined) {
      slot.respawn = false;
      return;
    }
    if (!slot.wanted) return;
    slot.started = true;
    try {
      const process = await host.processes.spawn([...command.argv], {
        ...(command.program === undefined ? {} : { program: command.program }),
        onLine: (stream, line) => log(stream === 'stdout' ? 'INFO' : 'WARN', `${name}-${suffixes[stream]}`, line),
      });
      slot.process = process;
      await noteProcess(host.files, this.#notePath(slot), process.pid);
      log('INFO', 'daemons', `${name} runs as process ${process.pid}`);
      void process.exited.then(({ code, signal }) => this.#exited(slot, code ?? signal ?? 'unknown'));
      // A stop may have come while the process was being made.
      if (!slot.respawn || !slot.wanted) process.signal('SIGTERM');
    } catch (error) {
      log('ERROR', 'daemons', `cannot start ${name}: ${error instanceof Error ? error.message : error}`);
      if (slot.respawn && !this.#closed) this.#spawnLater(slot);
    }
  }

  /** Undefined on a device that has no such program, or has no use for it in its mode. */
  async #command({ name, binary, modes, arguments: words }: DaemonSpec): Promise<OwnDaemon | undefined> {
    const { host, mode, own = {} } = this.#parts;
    if (!modes.includes(mode)) return undefined;
    if (own[name] !== undefined) return own[name];
    const status = await host.files.status(binary, { follow: true });
    return status?.kind === 'file' && (status.mode & programMode) !== 0 ? { argv: [binary, ...words] } : undefined;
  }

  #exited(slot: Slot, how: number | string): void {
    const { log } = this.#parts;
    slot.process = undefined;
    const comesBack = slot.respawn && slot.wanted;
    log(comesBack ? 'WARN' : 'INFO', 'daemons', `${slot.spec.name} has ended (${how})`);
    if (comesBack && !this.#closed) this.#spawnLater(slot);
    else slot.ended = !slot.respawn;
  }

  async #endLeftOver(slot: Slot): Promise<void> {
    const { host, log } = this.#parts;
    const pid = await findNoted(host.files, this.#notePath(slot));
    if (pid === undefined) return;
    log('INFO', 'daemons', `${slot.spec.name} of an earlier runtime still runs as process ${pid}; it is ended`);
    await host.processes.run(['kill', '-TERM', String(pid)], { timeout: respawnDelay });
  }

  #notePath({ spec }: Slot): string {
    return `${this.#parts.notes}/${spec.name}`;
  }
}

const suffixes = { stdout: 'out', stderr: 'err' } as const;
