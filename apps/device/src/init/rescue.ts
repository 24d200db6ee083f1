/** A storage whose first superblock is gone has no name any more; ext4 keeps copies, by which it is found and repaired. */
import type { Host } from '../host/ports.ts';
import { mostWaitForCheck } from './check-file-system.ts';
import type { InitLog } from './start.ts';

/** Where mke2fs puts the first copy, by the size of a block. */
const copies = [
  { block: 4096, superblock: 32768 },
  { block: 1024, superblock: 8193 },
  { block: 2048, superblock: 16384 },
];

/** Devices that lie in memory or on others. */
const derived = /^(loop|ram|zram|dm-|md|sr|fd)/;
const lookTimeout = 10_000;
/** Bits of the exit code of e2fsck(8) that say that errors are left. */
const errorsLeft = 4 | 8 | 16 | 32;

/**
 * Looks for a file system of the wanted label or UUID by the copies of its superblock, and repairs it from there.
 * @param wanted `LABEL=NAME` or `UUID=ID`
 * @returns the device, or undefined when there is none
 */
export async function rescueDevice(
  { files, processes }: Pick<Host, 'files' | 'processes'>,
  wanted: string,
  log: InitLog,
): Promise<string | undefined> {
  const [, kind, value = ''] = /^(LABEL|UUID)=(.+)$/.exec(wanted) ?? [];
  if (kind === undefined) return undefined;
  const line = kind === 'LABEL' ? 'Filesystem volume name:' : 'Filesystem UUID:';
  for (const { name } of await files.list('/sys/class/block').catch(() => [])) {
    if (derived.test(name)) continue;
    for (const { block, superblock } of copies) {
      const look = ['dumpe2fs', '-h', '-o', `superblock=${superblock}`, '-o', `blocksize=${block}`, `/dev/${name}`];
      const seen = await processes.run(look, { timeout: lookTimeout }).catch(() => undefined);
      const found = seen?.stdout.split('\n').find((text) => text.startsWith(line));
      if (seen?.code !== 0 || found?.slice(line.length).trim() !== value) continue;
      log('ERROR', `the storage /dev/${name} has lost its superblock; it is being repaired from a copy`);
      const repair = ['e2fsck', '-f', '-y', '-b', `${superblock}`, '-B', `${block}`, `/dev/${name}`];
      const repaired = await processes.run(repair, { timeout: mostWaitForCheck });
      if (((repaired.code ?? errorsLeft) & errorsLeft) === 0) return `/dev/${name}`;
      log('ERROR', `cannot repair the storage /dev/${name} from a copy: ${repaired.stderr.trim()}`);
    }
  }
  return undefined;
}
