/** What a boot script, and the app engine's launcher, does with the boot environment (updates.md §6.1). */
import type { StoredBoot } from './port.ts';

/** The next boot, and what has to be remembered for the one after it. */
export interface NextBoot {
  /** The revision to boot; it is handed to the runtime as `pv_rev`. */
  revision: string;
  /** Handed to the runtime as `pv_try`; absent when nothing is tried or was to be. */
  trying?: string;
  /** `pv_trying`: what is being tried now. The launcher keeps it in memory, a boot script where it survives a reset. */
  tried?: string;
}

/**
 * Chooses what to boot: a revision that is armed and was not tried the last time is tried, else the committed one is booted.
 * @param tried what the previous call gave
 */
export function nextBoot(stored: StoredBoot, tried: string | undefined): NextBoot {
  const { committed = '0', trying } = stored;
  if (trying === undefined) return { revision: committed };
  if (tried === trying) return { revision: committed, trying };
  return { revision: trying, trying, tried: trying };
}

/** Kernel command line that the launcher hands to the runtime with `--cmdline`, extra arguments behind. */
export function launchCommandLine({ revision, trying = '' }: NextBoot, extra = ''): string {
  return `pv_rev=${revision} pv_try=${trying} ${extra}`;
}

/** What the end of the runtime means to the launcher. */
export type AfterRuntime =
  /** Boot again; `crashed` when it did not end in order. */
  { action: 'boot'; crashed: boolean } | { action: 'stop'; exitCode: number };

/**
 * @param exit how the runtime ended: its exit code, or the number of the signal that ended it
 * @param stopping whether the launcher itself was told to stop
 */
export function afterRuntime(exit: { code: number } | { signal: number }, stopping: boolean): AfterRuntime {
  const status = 'code' in exit ? exit.code : 128 + exit.signal;
  if (stopping || status === 3) return { action: 'stop', exitCode: 0 };
  if (status === 0) return { action: 'boot', crashed: false };
  return status >= 128 ? { action: 'boot', crashed: true } : { action: 'stop', exitCode: status };
}
