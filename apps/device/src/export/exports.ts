/** Paths of a container that other containers see below `/exports/<container>` (containers.md §3.3). */
import type { ContainerSource } from '../containers/launch.ts';
import type { Host, RunningContainer } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { makeDirectories } from '../volumes/directories.ts';
import type { MountLedger } from '../volumes/ledger.ts';

/** What the life of containers calls when one runs, and before its volumes go. */
export interface Exports {
  started(source: ContainerSource, running: RunningContainer): Promise<void>;
  ending(name: string): Promise<void>;
}

/**
 * Exports are mounts of the container's own directories, taken out of its mount namespace once it runs: what it writes there is seen
 * outside, also below mounts of its own.
 * @param directory place of all exports on the host
 */
export function createExports(
  { files, mounts }: Pick<Host, 'files' | 'mounts'>,
  directory: string,
  ledger: MountLedger,
): Exports {
  return {
    started: async ({ container }, { initPid }) => {
      const failed: string[] = [];
      for (const path of container.exports) {
        const target = `${directory}/${container.name}/${path.replace(/^\/+|\/+$/g, '')}`;
        try {
          await makeDirectories(files, target);
          await ledger.mount(target, () =>
            mounts.mountFrom({ pid: initPid, source: `/${path.replace(/^\/+/, '')}`, target }),
          );
        } catch (error) {
          failed.push(`${path}: ${error instanceof Error ? error.message : error}`);
        }
      }
      if (failed.length > 0)
        throw new Failure('export-failed', `cannot export from ${container.name}: ${failed.join('; ')}`);
    },
    ending: async (name) => {
      const own = `${directory}/${name}`;
      const targets = ledger.below(own);
      await ledger.unmountBelow(own);
      for (const target of [...targets, own]) await files.removeDirectory(target).catch(() => undefined);
    },
  };
}
