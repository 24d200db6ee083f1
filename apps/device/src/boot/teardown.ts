/** The end of a device in order: nothing of it stays on the machine but its storage. */
import type { Host } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import { removeTree } from '../volumes/directories.ts';
import type { Places } from './places.ts';

/**
 * Removes control groups and volatile directories of a device whose containers are gone. Directories stay when anything is still mounted
 * below them: behind a mount point lies a user's data.
 */
export async function removeTraces(
  { files, mounts, containers }: Pick<Host, 'files' | 'mounts' | 'containers'>,
  { base, baseIsOwn, controlGroup }: Pick<Places, 'base' | 'baseIsOwn' | 'controlGroup'>,
  log: Log,
): Promise<void> {
  const attempt = async (doing: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      log('ERROR', 'shutdown', `cannot ${doing}: ${error instanceof Error ? error.message : error}`);
    }
  };
  await attempt('remove the control group of the device', () => containers.removeControlGroups(controlGroup));
  if (!baseIsOwn) return;
  const left = (await mounts.list()).filter(({ target }) => target === base || target.startsWith(`${base}/`));
  if (left.length > 0) {
    log('ERROR', 'shutdown', `cannot remove ${base}: still mounted: ${left.map(({ target }) => target).join(', ')}`);
    return;
  }
  await attempt(`remove ${base}`, () => removeTree(files, base));
}
