/** Programs of the installation that run beside the runtime from the start of the machine on, before there is a storage (boot.md §2). */
import type { Host } from '../host/ports.ts';
import type { InitLog } from './start.ts';

/** Says that this machine has started them: a runtime that is started again does not do it twice. */
const marker = '/run/pantavisor-early-programs';
const executable = 0o111;

/**
 * Starts every executable file of a directory, by name, and waits for none. What they print goes to the kernel's log, whatever becomes of the runtime.
 * @param directory absolute; none is as good as an empty one
 */
export async function startEarlyPrograms(
  { files, processes }: Pick<Host, 'files' | 'processes'>,
  directory: string,
  log: InitLog,
): Promise<void> {
  if ((await files.status(directory, { follow: true }))?.kind !== 'directory') return;
  if ((await files.status(marker)) !== undefined) return;
  await files.write(marker, '');
  const names = (await files.list(directory)).map(({ name }) => name).sort();
  for (const name of names) {
    const path = `${directory}/${name}`;
    const status = await files.status(path, { follow: true });
    if (status?.kind !== 'file' || (status.mode & executable) === 0) continue;
    try {
      await processes.spawn(['sh', '-c', 'exec "$0" >/dev/kmsg 2>&1', path]);
      log('INFO', `started ${path}`);
    } catch (error) {
      log('WARN', `cannot start ${path}: ${error instanceof Error ? error.message : error}`);
    }
  }
}
