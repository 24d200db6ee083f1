/** What the device asks of a boot loader, whatever its kind: five verbs over what it remembers (updates.md §6). */

import { type Entry, entryValue } from './entries.ts';

/** What is stored for the boot loader now. */
export interface StoredBoot {
  /** `pv_rev`: the rollback point, which is booted when nothing is to be tried. Absent until a first commit. */
  committed?: string;
  /** `pv_try`: the revision that is to be tried, or is being tried. Absent when there is none. */
  trying?: string;
  /** Revision that this boot loader has really started, when it can tell; then it is right and the kernel command line is not. */
  booted?: string;
}

/**
 * A boot loader's memory. Every verb is durable when it returns, happens whole or not at all, and writes nothing when there is nothing to
 * change, so that it may be repeated after a power cut.
 */
export interface BootEnvironment {
  /** Reads what is stored. Fails with a code that begins `boot-` when it is damaged beyond what can be answered safely. */
  read(): Promise<StoredBoot>;
  /**
   * Puts the boot files of a revision where the boot loader finds them, without touching those of the committed revision.
   * Boot loaders that read them from the revision's own directory have nothing to do.
   * @param directory `.pv` of the revision, with the links that the installation made
   */
  install(revision: string, directory: string): Promise<void>;
  /** From now on the next boot tries the revision once, and the one after it goes back unless the revision was committed. */
  armTry(revision: string): Promise<void>;
  /** Nothing is to be tried any more. */
  clearTry(): Promise<void>;
  /** Makes a revision the rollback point; nothing is to be tried any more. */
  commit(revision: string): Promise<void>;
}

/** Keys of the boot environment. `pv_trying` belongs to boot loaders that remember there what they have tried. */
export const bootKeys = { committed: 'pv_rev', trying: 'pv_try', tried: 'pv_trying' } as const;

/** Boot loaders cannot tell an empty value from none. */
export function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** What entries of an environment say. */
export function storedIn(entries: readonly Entry[]): StoredBoot {
  const committed = nonEmpty(entryValue(entries, bootKeys.committed));
  const trying = nonEmpty(entryValue(entries, bootKeys.trying));
  return { ...(committed !== undefined && { committed }), ...(trying !== undefined && { trying }) };
}
