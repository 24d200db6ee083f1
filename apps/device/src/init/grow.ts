/** Growth of the storage to the end of its disk, as after an image was written to a larger card (build.md §2). */
import type { Host } from '../host/ports.ts';
import { readIfThere } from '../storage/durable.ts';
import { grownTable, sectorSize, tableSize } from './partition-table.ts';
import type { InitLog } from './start.ts';

type Parts = Pick<Host, 'files' | 'processes' | 'clock'>;

const toolTimeout = 30_000;
const growTimeout = 600_000;
/** How long a device may be away while the kernel reads its disk's table anew, and how often is looked. */
const patience = { most: 5_000, step: 50 } as const;
const scratch = '/run/pantavisor-partition-table';

/**
 * Grows the partition to the end of its disk, if nothing comes after it. One that cannot be grown stays as it is, and a device that is no
 * partition is left alone. A power cut before its file system has grown is made up for at the next start.
 * @param device path of the file system, which is not mounted, since the kernel does not read the table anew while it is
 */
export async function growPartition(host: Parts, device: string, log: InitLog): Promise<void> {
  try {
    await growToEnd(host, device, log);
  } catch (error) {
    log('WARN', `cannot grow the partition ${device}: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Grows the file system to the end of its device. The kernel does it, under its journal: a power cut in the middle costs nothing, and the file system
 * needs no thorough check before, as resize2fs wants it for one that is not mounted.
 * @param device path of the file system, which is mounted
 */
export async function growFileSystem(
  { processes }: Pick<Parts, 'processes'>,
  device: string,
  log: InitLog,
): Promise<void> {
  const grown = await processes.run(['resize2fs', device], { timeout: growTimeout }).catch(() => undefined);
  if (grown !== undefined && grown.code !== 0)
    log('WARN', `cannot grow the file system of ${device}: ${grown.stderr.trim()}`);
}

async function growToEnd(host: Parts, device: string, log: InitLog): Promise<void> {
  const { files } = host;
  const name = (await files.realPath(device).catch(() => device)).slice('/dev/'.length);
  const partition = await findPartition(files, name);
  if (partition === undefined) return;
  const { disk, number, sectors } = partition;
  const table = grownTable(await readStart(host, `/dev/${disk}`), sectors, number);
  if ('refused' in table) {
    if (table.refused !== undefined) log('INFO', `the partition ${device} stays as it is: ${table.refused}`);
    return;
  }
  for (const { offset, bytes } of table) {
    await files.overwrite(`/dev/${disk}`, bytes, offset);
    await files.sync(`/dev/${disk}`);
  }
  await run(host, ['blockdev', '--rereadpt', `/dev/${disk}`]);
  await waitFor(host, device);
  log('INFO', `the partition ${device} reaches to the end of /dev/${disk} now`);
}

/** The disk of a partition, its number there, and the disk's size in sectors of 512 bytes. */
async function findPartition(
  files: Host['files'],
  name: string,
): Promise<{ disk: string; number: number; sectors: number } | undefined> {
  const place = `/sys/class/block/${name}`;
  const number = Number(await readIfThere(files, `${place}/partition`));
  if (!(number > 0)) return undefined;
  const [disk = ''] = (await files.realPath(place)).split('/').slice(-2);
  const above = `/sys/class/block/${disk}`;
  const sectors = Number(await readIfThere(files, `${above}/size`));
  const block = Number((await readIfThere(files, `${above}/queue/logical_block_size`)) ?? sectorSize);
  // Tables of other disks count other sectors.
  return sectors > 0 && block === sectorSize ? { disk, number, sectors } : undefined;
}

async function readStart(host: Parts, disk: string): Promise<Uint8Array> {
  const { files } = host;
  await run(host, ['dd', `if=${disk}`, `of=${scratch}`, `bs=${sectorSize}`, `count=${tableSize / sectorSize}`]);
  try {
    return await files.read(scratch);
  } finally {
    await files.unlink(scratch);
  }
}

async function run({ processes }: Parts, argv: string[]): Promise<void> {
  const { code, signal, stderr } = await processes.run(argv, { timeout: toolTimeout });
  if (code !== 0) throw new Error(stderr.trim() || `${argv[0]} ended with ${code ?? signal}`);
}

async function waitFor({ files, clock }: Parts, device: string): Promise<void> {
  for (let waited = 0; waited < patience.most; waited += patience.step) {
    if ((await files.status(device, { follow: true })) !== undefined) return;
    await new Promise<void>((resolve) => clock.after(patience.step, resolve));
  }
  throw new Error('it did not come back');
}
