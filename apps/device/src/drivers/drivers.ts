/** Kernel modules that containers ask for by aliases of the board's table bsp/drivers.json (network.md §7, control.md `/drivers`). */
import type { DriverJson } from '@pantavisor/ctrl-api';
import type { Container, State } from '@pantavisor/state';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import type { Log } from '../runtime/log.ts';

const program = '/sbin/modprobe';
const modprobeTimeoutMs = 60_000;

export interface DriversParts {
  host: Pick<Host, 'processes'>;
  /** State of the running revision. */
  state(): State | undefined;
  /** Value of user metadata, for `${user-meta:KEY}` in module arguments. */
  userMeta(key: string): string | undefined;
  log: Log;
}

type Kind = 'required' | 'optional' | 'manual';
type Status = DriverJson['status'];

/** The words of one module, with user metadata in place of `${user-meta:KEY}`; a key that is not set is replaced by nothing. */
export function moduleWords(module: string, userMeta: (key: string) => string | undefined): string[] {
  return module
    .replace(/\$\{user-meta:([^}]*)\}/g, (_, key: string) => userMeta(key) ?? '')
    .split(/\s+/)
    .filter((word) => word !== '');
}

export class Drivers {
  readonly #parts: DriversParts;
  readonly #status = new Map<string, Status>();

  constructor(parts: DriversParts) {
    this.#parts = parts;
  }

  /**
   * Loads what a container needs before its start. An alias that the board does not know is no mistake.
   * @throws Failure `driver-load` when a required one cannot be loaded
   */
  async prepare({ name, drivers }: Container): Promise<void> {
    for (const alias of drivers.required) {
      const why = await this.#load(alias);
      if (why === undefined) continue;
      throw new Failure('driver-load', `cannot load driver ${alias} of ${name}: ${why}`, {
        file: `${name}/run.json`,
        hint: 'see drivers.required there, and the modules of the alias in bsp/drivers.json',
      });
    }
    for (const alias of drivers.optional) {
      const why = await this.#load(alias);
      if (why !== undefined) this.#parts.log('WARN', 'drivers', `cannot load driver ${alias} of ${name}: ${why}`);
    }
  }

  /** The drivers of a container as `GET /drivers` shows them; undefined when it has none. */
  list(container: string): DriverJson[] | undefined {
    const drivers = this.#driversOf(container);
    if (drivers === undefined) return undefined;
    const of = (kind: Kind): DriverJson[] =>
      drivers[kind].map((name) => ({ name, type: types[kind], status: this.#status.get(name) ?? 'UNLOADED' }));
    const all = [...of('required'), ...of('optional'), ...of('manual')];
    return all.length === 0 ? undefined : all;
  }

  /** Loads manual drivers of a container, all or the named one. @returns false when one failed */
  async load(container: string, name?: string): Promise<boolean> {
    let good = true;
    for (const alias of this.#manual(container, name)) {
      const why = await this.#load(alias);
      if (why === undefined) continue;
      this.#parts.log('ERROR', 'drivers', `cannot load driver ${alias} of ${container}: ${why}`);
      good = false;
    }
    return good;
  }

  /** Unloads manual drivers of a container, all or the named one; what the kernel still needs stays, which is logged. */
  async unload(container: string, name?: string): Promise<void> {
    for (const alias of this.#manual(container, name)) {
      for (const module of (this.#parts.state()?.drivers[alias] ?? []).toReversed()) {
        const [first = ''] = moduleWords(module, this.#parts.userMeta);
        const why = await this.#modprobe(['-r', first]);
        if (why !== undefined) this.#parts.log('WARN', 'drivers', `cannot unload ${first}: ${why}`);
      }
      this.#status.set(alias, 'UNLOADED');
    }
  }

  #driversOf(container: string): Container['drivers'] | undefined {
    return this.#parts.state()?.containers.find(({ name }) => name === container)?.drivers;
  }

  #manual(container: string, name: string | undefined): string[] {
    const manual = this.#driversOf(container)?.manual ?? [];
    return name === undefined ? manual : manual.filter((alias) => alias === name);
  }

  /** Loads every module of an alias in order. @returns why not, or undefined */
  async #load(alias: string): Promise<string | undefined> {
    const modules = this.#parts.state()?.drivers[alias];
    if (modules === undefined) {
      this.#status.set(alias, 'UNKNOWN');
      return undefined;
    }
    for (const module of modules) {
      const why = await this.#modprobe(moduleWords(module, this.#parts.userMeta));
      if (why !== undefined) {
        this.#status.set(alias, 'UNLOADED');
        return why;
      }
    }
    this.#status.set(alias, 'LOADED');
    return undefined;
  }

  async #modprobe(words: string[]): Promise<string | undefined> {
    try {
      const result = await this.#parts.host.processes.run([program, ...words], { timeout: modprobeTimeoutMs });
      if (result.code === 0) return undefined;
      const said = result.stderr.trim().split('\n').at(-1);
      return said || `modprobe ${words.join(' ')} ended with ${result.code ?? result.signal}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

const types = { required: 'REQUIRED', optional: 'OPTIONAL', manual: 'MANUAL' } as const;
