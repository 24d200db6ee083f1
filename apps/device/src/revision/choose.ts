/** Which revision this start runs. */
import { Failure } from '../runtime/failure.ts';
import { isRevisionName } from '../storage/revision-name.ts';

/** Where the name may stand, in the order in which it counts; absent ones are passed over. */
export interface RevisionSources {
  /** `pv_rev` of the process environment: words of the kernel command line arrive there. */
  environment?: string | undefined;
  /** The kernel command line, or what stands in for it. A boot loader passes a revision on trial as `pv_rev`, too. */
  cmdline: string;
  /** `pv_rev` of the boot environment. */
  stored?: string | undefined;
}

/**
 * Chooses the revision to run; without any source the factory revision `0` (updates.md §6).
 * @throws Failure `revision-name`
 */
export function chooseRevision({ environment, cmdline, stored }: RevisionSources): string {
  const token = cmdline.split(/\s+/).findLast((word) => word.startsWith('pv_rev='));
  const name = environment || token?.slice('pv_rev='.length) || stored || '0';
  if (isRevisionName(name)) return name;
  throw new Failure('revision-name', `cannot run ${JSON.stringify(name)}: it is no name of a revision`, {
    hint: 'pv_rev takes a number, or locals/ and a name',
  });
}

/** Value of a key in a boot environment of the form `key=value\0key=value\0`; undefined when absent or empty. */
export function bootValue(text: string, key: string): string | undefined {
  const entry = text.split('\0').find((pair) => pair.startsWith(`${key}=`));
  return entry?.slice(key.length + 1) || undefined;
}
