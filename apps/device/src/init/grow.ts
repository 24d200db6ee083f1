/** Growth of the storage to the end of its disk. */
import type { Host } from '../host/ports.ts';
import type { InitLog } from './start.ts';

/** Grows partition and file system. What cannot be grown stays as it is. */
export async function growStorage(
  { processes }: Pick<Host, 'files' | 'processes'>,
  device: string,
  log: InitLog,
): Promise<void> {
  const grown = await processes.run(['resize2fs', device], { timeout: 600_000 }).catch(() => undefined);
  if (grown !== undefined && grown.code !== 0)
    log('WARN', `cannot grow the file system of ${device}: ${grown.stderr.trim()}`);
}
