/** Boot loaders that read revisions, and what is to be booted, from the storage itself. */
import type { Files } from '../host/ports.ts';
import type { BootEnvironment } from './port.ts';

/**
 * Such a boot loader does not play back the journal of the storage. What is only there is durable for the kernel, but after a power
 * cut the boot loader would find no files of the revision that it is to boot, or an environment from before. So files are in their place
 * before the boot loader is told of them, and what it is told is when the verb returns.
 * @param storage directory of the storage
 */
export function readWithoutJournal(
  environment: BootEnvironment,
  files: Pick<Files, 'syncFileSystem'>,
  storage: string,
): BootEnvironment {
  async function inPlace(act: () => Promise<void>): Promise<void> {
    await files.syncFileSystem(storage);
    await act();
    await files.syncFileSystem(storage);
  }

  return {
    ...environment,
    armTry: (revision) => inPlace(() => environment.armTry(revision)),
    clearTry: () => inPlace(() => environment.clearTry()),
    commit: (revision) => inPlace(() => environment.commit(revision)),
  };
}
