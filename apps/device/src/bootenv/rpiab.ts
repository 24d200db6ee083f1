/** The boot loader `rpiab`: Raspberry Pi firmware with two boot partitions and a one-shot try (updates.md §6.4). */
import type { Files, TextCoding } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { writeDurable } from '../storage/durable.ts';
import { readBlock, writeBlock } from './block-file.ts';
import { checkBootRevision, type Entry, formatEntries, parseEntries, withValues } from './entries.ts';
import { type BootEnvironment, bootKeys, type StoredBoot, storedIn } from './port.ts';
import type { RpiBoard } from './rpi-board.ts';

/** One sector, so that every change is whole. */
const environmentSize = 512;
const selectorPartition = 1;
const longestList = 511;

/** Partition that is booted normally, and the one that a try boots. */
export interface BootPartitions {
  normal: number;
  trial: number;
}

/** What runs now; the revision is unknown when its partition has no list. */
interface BootedPartition {
  partition: number;
  revision?: string;
}

/** Reads autoboot.txt; partitions 2 and 3 when it cannot be understood. */
export function parseAutoboot(text: string): BootPartitions {
  const found = /\[all\][^[]*?^boot_partition=(\d+)[^[]*\[tryboot\][^[]*?^boot_partition=(\d+)/m.exec(text);
  const [normal, trial] = [Number(found?.[1]), Number(found?.[2])];
  return found && normal !== trial ? { normal, trial } : { normal: 2, trial: 3 };
}

/** Text of autoboot.txt. It has the same length for all partitions up to 9, so that a change is one sector. */
export function formatAutoboot({ normal, trial }: BootPartitions): string {
  return `[all]\ntryboot_a_b=1\nboot_partition=${normal}\n[tryboot]\nboot_partition=${trial}\n\0`;
}

/** Entries of this environment begin with a letter; anything else is no entry. */
function parseEnvironment(bytes: Uint8Array, text: TextCoding): Entry[] {
  return parseEntries(bytes, text).filter(({ key }) => /^[A-Za-z]/.test(key));
}

/**
 * What is committed is in two places: the environment and autoboot.txt. A commit switches the partitions first and writes the environment
 * last; {@link BootEnvironment.read} finishes one that was cut in between, which it knows by the booted partition's list of revisions.
 */
export function rpiabEnvironment(options: {
  files: Files;
  text: TextCoding;
  /** `<S>/boot/rpiab.txt` */
  path: string;
  board: RpiBoard;
}): BootEnvironment {
  const { files, text, path, board } = options;
  let session: Promise<BootedPartition> | undefined;
  /** Set once the firmware was asked to try; from then on earlier revisions of the trial partition may still be meant. */
  let armed = false;

  const entries = async () => parseEnvironment((await readBlock(files, path)) ?? new Uint8Array(0), text);

  async function set(values: Record<string, string | undefined>): Promise<void> {
    const next = withValues(await entries(), values);
    await writeBlock(files, path, formatEntries(next, environmentSize, environmentSize, text));
  }

  const readPartitions = () =>
    board.withPartition(selectorPartition, async (directory) => {
      const bytes = await readBlock(files, `${directory}/autoboot.txt`);
      return parseAutoboot(text.decode(bytes ?? new Uint8Array(0)));
    });

  /** Revisions that a partition's image was written for; undefined when it has no list. */
  const readList = (partition: number) =>
    board.withPartition(partition, async (directory) => {
      const bytes = await readBlock(files, `${directory}/pv_rev.txt`);
      return bytes && text.decode(bytes).trim().split(',');
    });

  const writeList = (partition: number, list: readonly string[]) =>
    board.withPartition(partition, (directory) =>
      writeDurable(files, `${directory}/pv_rev.txt`, `${list.join(',')}\n`),
    );

  async function finishCommit(revision: string, partition: number): Promise<void> {
    await writeList(partition, [revision]);
    await set({ [bootKeys.committed]: revision, [bootKeys.trying]: '' });
  }

  /** Which partition the firmware took, and which revision that is. */
  async function findBooted(): Promise<BootedPartition> {
    const tryboot = await board.tryboot();
    const { normal, trial } = await readPartitions();
    const partition = tryboot ? trial : normal;
    const { committed = '0', trying } = storedIn(await entries());
    const list = await readList(partition);
    if (list === undefined) return { partition };
    const isListed = (revision: string | undefined) => revision !== undefined && list.includes(revision);
    if (tryboot) {
      if (trying !== undefined && isListed(trying)) return { partition, revision: trying };
      throw unknownImage(partition, trying ?? committed, list);
    }
    if (isListed(committed)) return { partition, revision: committed };
    if (trying === undefined || !isListed(trying)) throw unknownImage(partition, committed, list);
    await finishCommit(trying, partition);
    return { partition, revision: trying };
  }

  function booted(): Promise<BootedPartition> {
    // Asked once: after a commit the partitions have changed their roles, but not what is running.
    session ??= findBooted();
    return session;
  }

  return {
    read: async (): Promise<StoredBoot> => {
      const { revision } = await booted();
      return { ...storedIn(await entries()), ...(revision !== undefined && { booted: revision }) };
    },
    install: async (revision, directory) => {
      checkBootRevision(revision);
      const { trial } = await readPartitions();
      const before = armed ? ((await readList(trial)) ?? []) : [];
      const packed = (await files.status(`${directory}/rpiboot.img.gz`)) !== undefined;
      await board.writeImage(trial, `${directory}/rpiboot.img${packed ? '.gz' : ''}`);
      const list = [...before.filter((other) => other !== revision), revision];
      await writeList(trial, list.join(',').length > longestList ? [revision] : list);
    },
    armTry: async (revision) => {
      checkBootRevision(revision);
      await set({ [bootKeys.trying]: revision });
      await board.armTryboot();
      armed = true;
    },
    clearTry: async () => {
      if (storedIn(await entries()).trying !== undefined) await set({ [bootKeys.trying]: '' });
    },
    commit: async (revision) => {
      checkBootRevision(revision);
      const { committed, trying } = storedIn(await entries());
      if (committed === revision && trying === undefined) return;
      const { partition } = await booted();
      const { normal } = await readPartitions();
      if (normal !== partition) {
        const content = text.encode(formatAutoboot({ normal: partition, trial: normal }));
        await board.withPartition(selectorPartition, (directory) =>
          writeBlock(files, `${directory}/autoboot.txt`, content),
        );
      }
      await finishCommit(revision, partition);
    },
  };
}

function unknownImage(partition: number, revision: string, list: readonly string[]): Failure {
  return new Failure(
    'boot-image-unknown',
    `cannot run the boot image of partition ${partition}: it is not revision ${revision}`,
    {
      file: 'pv_rev.txt',
      hint: `it was written for ${list.join(', ') || 'no revision'}`,
    },
  );
}
