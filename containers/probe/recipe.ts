import { fileURLToPath } from 'node:url';
import type { ContainerRecipe } from '../src/recipe.ts';

/** Programs that a probe can run as PID 1: wait to be stopped, refuse to stop, end by themselves, fail the first times. */
export type ProbeProgram =
  | ['init']
  | ['stubborn']
  | ['crash', code: string]
  | ['crash', code: string, afterSeconds: string]
  | ['crash-times', times: string];

/** The smallest container, for tests and benchmarks; all probes share one root file system. */
export function probeContainer(
  name: string,
  program: ProbeProgram = ['init'],
  more: Partial<ContainerRecipe> = {},
): ContainerRecipe {
  const [file, ...rest]: string[] = program;
  return {
    name,
    rootfs: { trees: [fileURLToPath(new URL('rootfs', import.meta.url))] },
    init: [`/sbin/${file}`, ...rest],
    ...(file === 'crash-times' ? { volumes: { '/var/lib/probe': 'permanent' } } : {}),
    ...more,
  };
}
