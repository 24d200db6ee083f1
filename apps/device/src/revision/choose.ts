/** Which revision this start runs. */
import { Failure } from '../runtime/failure.ts';
import { isRevisionName } from '../storage/revision-name.ts';

/** Where a boot loader or launcher writes the name; what counts first comes first. */
export interface RevisionSources {
  /** `pv_rev` of the process environment: words of the kernel command line arrive there. */
  environment?: string | undefined;
  /** The kernel command line, or what stands in for it. A boot loader passes a revision on trial as `pv_rev`, too. */
  cmdline: string;
}

/**
 * The revision that a boot loader or launcher wants to be run (updates.md §6); undefined when it names none.
 * @throws Failure `revision-name`
 */
export function namedRevision({ environment, cmdline }: RevisionSources): string | undefined {
  const token = cmdline.split(/\s+/).findLast((word) => word.startsWith('pv_rev='));
  const name = environment || token?.slice('pv_rev='.length) || undefined;
  if (name === undefined || isRevisionName(name)) return name;
  throw new Failure('revision-name', `cannot run ${JSON.stringify(name)}: it is no name of a revision`, {
    hint: 'pv_rev takes a number, or locals/ and a name',
  });
}
