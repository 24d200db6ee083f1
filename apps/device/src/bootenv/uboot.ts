/** The boot environment of `uboot` and `uboot-pvk`: a block of entries in a file or in flash (updates.md §6.1). Also the app engine's. */
import type { Files, TextCoding } from '../host/ports.ts';
import { readBlock, writeBlock } from './block-file.ts';
import { checkBootRevision, type Entry, formatEntries, parseEntries, withValues } from './entries.ts';
import { type Flash, rewriteFlash } from './flash.ts';
import { type BootEnvironment, bootKeys, storedIn } from './port.ts';

/** Where the block is kept. */
export interface BlockStore {
  /** Undefined when nothing was stored yet. */
  read(): Promise<Uint8Array | undefined>;
  write(block: Uint8Array): Promise<void>;
}

/** Size of the block; boot scripts load it as a whole. */
const blockSize = 65536;
/** Readers look no further. */
const readable = 1024;

/** The block in a file of the storage, `<S>/boot/uboot.txt`. */
export function fileBlockStore(files: Files, path: string): BlockStore {
  return { read: () => readBlock(files, path), write: (block) => writeBlock(files, path, block) };
}

/**
 * The block at the start of a flash partition (`PV_BOOTLOADER_MTD_ONLY=1`). There is one copy: a power cut between erasing and writing loses it,
 * which only a boot loader with a redundant environment (`uboot-ab`) can avoid.
 */
export function flashBlockStore(flash: Flash): BlockStore {
  return {
    read: () => flash.read(0, blockSize),
    write: (block) => rewriteFlash(flash, 0, block),
  };
}

/**
 * Arming and committing forget what a boot script may have noted as tried in the same block, so that a revision can be tried again.
 * @param store of the block
 * @param bootMemory flash where the boot script keeps `pv_trying`, erased at each commit; absent when it has none of its own
 */
export function ubootEnvironment(options: {
  store: BlockStore;
  text: TextCoding;
  bootMemory?: Flash;
}): BootEnvironment {
  const { store, text, bootMemory } = options;

  async function entries(): Promise<Entry[]> {
    const block = (await store.read()) ?? new Uint8Array(0);
    return parseEntries(block.subarray(0, readable), text);
  }

  async function set(values: Record<string, string | undefined>): Promise<void> {
    const old = await entries();
    const next = inOrder(withValues(old, values));
    const same = old.length === next.length && next.every((entry, at) => isSame(entry, old[at]));
    if (!same) await store.write(formatEntries(next, blockSize, readable, text));
  }

  return {
    read: async () => storedIn(await entries()),
    install: async () => {},
    armTry: async (revision) => {
      checkBootRevision(revision);
      await set({ [bootKeys.trying]: revision, [bootKeys.tried]: undefined });
    },
    clearTry: async () => {
      if (storedIn(await entries()).trying !== undefined) await set({ [bootKeys.trying]: '' });
    },
    commit: async (revision) => {
      checkBootRevision(revision);
      await set({ [bootKeys.committed]: revision, [bootKeys.trying]: '', [bootKeys.tried]: undefined });
      if (bootMemory !== undefined) await bootMemory.erase(0, bootMemory.eraseSize);
    },
  };
}

function isSame(a: Entry, b: Entry | undefined): boolean {
  return a.key === b?.key && a.value === b.value;
}

/**
 * `pv_rev`, `pv_try`, then all others: launchers read these two in this order, readers that compare only the start of a key must find
 * `pv_try` before `pv_trying`, and both are in the first sector so that a change of them is written whole.
 */
function inOrder(entries: readonly Entry[]): Entry[] {
  const rank = ({ key }: Entry) => (key === bootKeys.committed ? 0 : key === bootKeys.trying ? 1 : 2);
  return entries.toSorted((a, b) => rank(a) - rank(b));
}
