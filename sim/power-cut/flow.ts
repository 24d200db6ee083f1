/** What the explorer cuts: something that happens on a machine, and what has to be true after the power came back. */
import { createHash } from 'node:crypto';
import type { MemoryHost, MemoryHostOptions } from '../../apps/device/src/host/memory/host.ts';
import type { Files } from '../../apps/device/src/host/ports.ts';
import type { Witness } from './witness.ts';

export interface Flow {
  /** As `--flow` names it. */
  name: string;
  /** One sentence for people. */
  about: string;
  /** A machine in order just before the flow, the same one each time, and what the world knows of it. */
  prepare(): Promise<{ host: MemoryHost; facts: ReadonlyMap<string, string> }>;
  /** The flow itself, watched and cut at every change of the disk and at everything that the world learns. */
  act(host: MemoryHost, witness: Witness): Promise<void>;
  /**
   * After a power cut: starts what starts at power-on, runs it to rest, and checks the machine.
   * @throws Violation, or whatever else is wrong
   */
  recover(survivor: MemoryHost, witness: Witness): Promise<void>;
}

/** Puts a fault into the program under test by changing what its file operations do; for proving that faults are found. */
export type Tamper = (files: Files) => Files;

export const untouched: Tamper = (files) => files;

/** What Node gives a simulated machine to be quick: waiting until every promise has gone on as far as it can, and hashing. */
export const quick = {
  drain: () => new Promise<void>((resolve) => setImmediate(resolve)),
  sha256: (data: Uint8Array) => createHash('sha256').update(data).digest('hex'),
} as const satisfies MemoryHostOptions;
