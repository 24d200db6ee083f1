/** What an image is, from its own bytes: for one that came without its account, such as from a hub. */
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '../disk/tool.ts';
import { type ImageRun, readAccount } from './image-machine.ts';

/** What `pv-image run` has to know. */
export type RunnableImage = ImageRun['account'];

const sectorSize = 512;
/** Of a master boot record: where its table begins, the size of an entry, and where type and first sector are in one. */
const dos = { table: 446, entry: 16, type: 4, first: 8, signature: 510 };
/** Architectures of boot scripts (U-Boot's include/image.h). */
const scriptArchitectures: Readonly<Record<number, RunnableImage['architecture']>> = { 2: 'armv7', 22: 'aarch64' };
const architectureOffset = 29;

const usual: Pick<RunnableImage, 'arguments' | 'partitions' | 'machine'> = {
  arguments: '',
  partitions: [],
  machine: { memory: 512, processors: 1, ports: {} },
};

async function firstSectors(image: string): Promise<Buffer> {
  const file = await open(image, 'r');
  try {
    const bytes = Buffer.alloc(2 * sectorSize);
    await file.read(bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    await file.close();
  }
}

/** A file of a FAT partition, or undefined when it is not there. */
async function fatFile(image: string, offset: number, name: string): Promise<Buffer | undefined> {
  const work = await mkdtemp(join(tmpdir(), 'pv-inspect-'));
  try {
    const target = join(work, 'file');
    await runTool(['mcopy', '-n', '-i', `${image}@@${offset}`, `::/${name}`, target], 'mtools').catch(() => undefined);
    return existsSync(target) ? await readFile(target) : undefined;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Looks at the partition table and the boot partition of an image.
 * @returns undefined when it is no image of ours that says by itself how it boots
 */
export async function inspectImage(image: string): Promise<RunnableImage | undefined> {
  const bytes = await firstSectors(image);
  if (bytes.toString('latin1', sectorSize, sectorSize + 8) === 'EFI PART')
    return { ...usual, architecture: 'x86_64', loader: 'grub' };
  if (bytes.readUInt16BE(dos.signature) !== 0x55aa) return undefined;
  const entries = [0, 1, 2, 3]
    .map((index) => bytes.subarray(dos.table + index * dos.entry, dos.table + (index + 1) * dos.entry))
    .filter((entry) => entry[dos.type] !== 0);
  const offset = (entries[0]?.readUInt32LE(dos.first) ?? 0) * sectorSize;
  if (entries.length === 4 && (await fatFile(image, offset, 'autoboot.txt')) !== undefined)
    return { ...usual, architecture: 'aarch64', loader: 'rpi' };
  const script = entries.length === 2 ? await fatFile(image, offset, 'boot.scr') : undefined;
  const architecture = scriptArchitectures[script?.[architectureOffset] ?? -1];
  return architecture === undefined ? undefined : { ...usual, architecture, loader: 'u-boot' };
}

/**
 * What an image is: by the account beside it, else by its own bytes.
 * @throws Error when neither tells it
 */
export async function knownImage(image: string): Promise<RunnableImage> {
  const isAlone = existsSync(image) && !existsSync(`${image}.json`);
  return (isAlone ? await inspectImage(image) : undefined) ?? (await readAccount(image));
}
