/** A disk that fails once: an error of the machine at any one step of a flow, instead of a power cut. */

import { replayed } from '../../apps/device/src/host/memory/random.ts';
import { type Files, HostError } from '../../apps/device/src/host/ports.ts';
import type { Flow, Tamper } from './flow.ts';
import { disturbed, Witness } from './witness.ts';

/** Steps that reach the disk. `status`, `realPath` and `lock` are answered from memory once the storage is open. */
const fallible = [
  ...['read', 'readText', 'list', 'digest', 'copy', 'write', 'overwrite', 'append', 'sync', 'syncDirectory'],
  ...['rename', 'link', 'symlink', 'unlink', 'makeDirectory', 'removeDirectory', 'changeMode', 'syncFileSystem'],
] as (keyof Files)[];

/** Counts the steps below a directory and lets one of them fail. */
export class FaultyDisk {
  readonly #directory: string;
  #failsAt = Number.POSITIVE_INFINITY;
  #code = 'EIO';
  #steps = 0;
  #lastFault = 'nothing failed';

  /** @param directory where the file system begins that fails */
  constructor(directory: string) {
    this.#directory = `${directory}/`;
  }

  /** Begins to count anew. @param step the one that fails; none by default */
  arm(step = Number.POSITIVE_INFINITY, code = 'EIO'): void {
    this.#failsAt = step;
    this.#code = code;
    this.#steps = 0;
  }

  /** Steps since `arm`. */
  get steps(): number {
    return this.#steps;
  }

  /** For people. */
  get lastFault(): string {
    return this.#lastFault;
  }

  readonly tamper: Tamper = (files) => {
    const tampered: Record<string, unknown> = { ...files };
    for (const operation of fallible) {
      const call = files[operation] as (...given: unknown[]) => Promise<unknown>;
      tampered[operation] = async (...given: unknown[]) => {
        this.#count(
          operation,
          given.map(String).find((path) => `${path}/`.startsWith(this.#directory)),
        );
        return call(...given);
      };
    }
    return tampered as unknown as Files;
  };

  #count(operation: string, path: string | undefined): void {
    if (path === undefined) return;
    if (this.#steps++ !== this.#failsAt) return;
    this.#lastFault = `${operation} ${path}: ${this.#code}`;
    throw new HostError(this.#code, operation, path, 'the disk failed');
  }
}

/**
 * Runs a flow with one step after the other failing, then once more from power-on on the disk as it is left.
 * @param flow made with the tamper of `disk`
 * @returns what was violated, one line each, and how many steps were made to fail
 */
export async function failEachStep(
  flow: Flow,
  disk: FaultyDisk,
  code: string,
): Promise<{ faults: number; violations: string[] }> {
  const violations: string[] = [];
  let step = 0;
  for (let last = 0; step <= last; step += 1) {
    const { host, facts } = await flow.prepare();
    const witness = new Witness(facts);
    witness.learn(disturbed);
    disk.arm(step, code);
    try {
      await flow.act(host, witness);
      last = Math.max(last, disk.steps - 1);
      disk.arm();
      witness.forget(disturbed);
      for (const [name] of witness.about('booted')) witness.learn(`tested ${name}`);
      await flow.recover(host.crash({ choose: replayed([]) }), witness);
    } catch (error) {
      violations.push(`step ${step}, ${disk.lastFault}: ${error instanceof Error ? error.message : error}`);
      last = Math.max(last, disk.steps - 1);
    }
  }
  return { faults: step, violations };
}
