/** Raw flash: memory that has to be erased before it is written. */
import { type Files, HostError, type Processes } from '../host/ports.ts';

export interface Flash {
  /** Bytes that are erased at once. */
  eraseSize: number;
  /** Bytes of the partition. */
  size: number;
  /** Shorter than `length` at the end of the partition. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Sets whole erase blocks to 0xff; both arguments are multiples of `eraseSize`. */
  erase(offset: number, length: number): Promise<void>;
  /** Writes to erased flash. Durable when it returns. */
  write(offset: number, data: Uint8Array): Promise<void>;
}

/** A line of /proc/mtd. */
export interface FlashPartition {
  /** E.g. `/dev/mtd3`. */
  device: string;
  name: string;
  size: number;
  eraseSize: number;
}

/** Reads the table of flash partitions, as the kernel writes it into /proc/mtd. */
export function parseFlashTable(table: string): FlashPartition[] {
  return Array.from(
    table.matchAll(/^(mtd\d+): ([0-9a-f]+) ([0-9a-f]+) "(.*)"$/gm),
    ([, device, size, erase, name]) => ({
      device: `/dev/${device}`,
      name: name ?? '',
      size: Number.parseInt(size ?? '', 16),
      eraseSize: Number.parseInt(erase ?? '', 16),
    }),
  );
}

/** Erasing may take a second for each megabyte. */
const eraseTimeout = 600_000;

/**
 * Flash behind a character device of the kernel, erased by `flash_erase` of mtd-utils; or a plain file in the place of one, as emulators have it.
 */
export function openFlash(files: Files, processes: Processes, partition: FlashPartition): Flash {
  const { device, size, eraseSize } = partition;
  return {
    eraseSize,
    size,
    read: async (offset, length) => (await files.read(device)).subarray(offset, offset + length),
    erase: async (offset, length) => {
      if ((await files.status(device, { follow: true }))?.kind === 'file') {
        await files.overwrite(device, new Uint8Array(length).fill(0xff), offset);
        return files.sync(device);
      }
      const argv = ['flash_erase', '-q', device, String(offset), String(length / eraseSize)];
      const { code, stderr } = await processes.run(argv, { timeout: eraseTimeout });
      if (code !== 0) throw new HostError('EIO', 'erase', device, stderr.trim() || `flash_erase ended with ${code}`);
    },
    write: async (offset, data) => {
      await files.overwrite(device, data, offset);
      await files.sync(device);
    },
  };
}

/** Erases the blocks that data at an offset touches, and writes it; bytes around it in the same blocks are kept. */
export async function rewriteFlash(flash: Flash, offset: number, data: Uint8Array): Promise<void> {
  const start = Math.floor(offset / flash.eraseSize) * flash.eraseSize;
  const end = Math.ceil((offset + data.length) / flash.eraseSize) * flash.eraseSize;
  const blocks = new Uint8Array(end - start).fill(0xff);
  blocks.set(await flash.read(start, end - start));
  blocks.set(data, offset - start);
  await flash.erase(start, end - start);
  await flash.write(start, blocks);
}
