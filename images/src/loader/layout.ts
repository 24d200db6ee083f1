/** What lies where on a disk, by boot loader: one table. */
import { serialOf, uuidOf } from '../disk/identity.ts';
import {
  alignment,
  dosTable,
  gptHead,
  gptTable,
  gptTail,
  type Partition,
  type PartitionKind,
  type Piece,
} from '../disk/table.ts';
import type { LoaderName } from '../recipe/recipe.ts';

const mebibyte = 1024 * 1024;

interface Place {
  name: string;
  kind: PartitionKind;
  /** In MiB; absent for the storage, whose size the recipe says. */
  size?: number;
  active?: true;
  why: string;
}

interface Layout {
  table: 'gpt' | 'dos' | 'none';
  /** In MiB: room for what boards want before the first partition. */
  first: number;
  places: readonly Place[];
  /** `PV_BOOTLOADER_TYPE` of the runtime. */
  runtime: 'grub' | 'uboot' | 'rpiab';
}

const storage: Place = { name: 'root', kind: 'linux', why: 'the storage: revisions, objects, volumes, logs' };

/** Boot scripts know it by its number and its size, which nothing else on a disk has (build.md §2, §5.1). */
const oem: Place = { name: 'oem', kind: 'raw', size: 1, why: 'variables of U-Boot from the maker of the board' };
export const oemNumber = 2;

const layouts: Record<LoaderName, Layout> = {
  grub: {
    table: 'gpt',
    first: 1,
    places: [
      { name: 'bios', kind: 'bios-boot', size: 1, why: 'GRUB for machines with a BIOS' },
      {
        name: 'boot',
        kind: 'efi',
        size: 64,
        active: true,
        why: 'GRUB for machines with UEFI, its script, and what it has tried',
      },
      storage,
    ],
    runtime: 'grub',
  },
  'u-boot': {
    table: 'dos',
    first: 8,
    places: [
      { name: 'boot', kind: 'fat', size: 64, active: true, why: 'the boot script and what it has tried' },
      storage,
    ],
    runtime: 'uboot',
  },
  rpi: {
    table: 'dos',
    first: 4,
    places: [
      { name: 'bootsel', kind: 'fat', size: 32, active: true, why: 'tells the firmware which of the next two to boot' },
      { name: 'boot_a', kind: 'fat', size: 128, why: 'kernel and initramfs of the committed revision' },
      { name: 'boot_b', kind: 'fat', size: 128, why: 'kernel and initramfs of the revision that is tried' },
      storage,
    ],
    runtime: 'rpiab',
  },
  none: { table: 'none', first: 0, places: [storage], runtime: 'uboot' },
};

export interface DiskPlan {
  /** Of the disk in bytes. */
  size: number;
  table: Layout['table'];
  partitions: readonly (Partition & { why: string; number: number })[];
  runtime: Layout['runtime'];
}

/** What of a recipe says how its disk is divided. */
export interface DiskRequest {
  name: string;
  loader: LoaderName;
  /** In bytes. */
  storage: { size: number };
  boot?: { oem: Readonly<Record<string, string>> };
}

/** Plans a disk. Identities come from the name of the image. */
export function planDisk({ name, loader, storage: { size: storageSize }, boot }: DiskRequest): DiskPlan {
  const { table, first, places: usual, runtime } = layouts[loader];
  const places = Object.keys(boot?.oem ?? {}).length === 0 ? usual : usual.toSpliced(oemNumber - 1, 0, oem);
  let offset = first * alignment;
  const partitions = places.map(({ size, ...place }, index) => {
    const partition = {
      ...place,
      number: index + 1,
      offset,
      size: size === undefined ? storageSize : size * mebibyte,
      uuid: uuidOf(name, place.name),
    };
    offset += partition.size;
    return partition;
  });
  const size = table === 'gpt' ? Math.ceil((offset + gptTail) / alignment) * alignment : offset;
  return { size, table, partitions, runtime };
}

/**
 * Where boards may put what their boot ROM looks for: behind the partition table, before the first partition.
 * @returns offsets in bytes; `end` is the first that is not free
 */
export function roomBefore({ table, partitions }: DiskPlan): { begin: number; end: number } {
  return { begin: table === 'gpt' ? gptHead : 512, end: partitions[0]?.offset ?? 0 };
}

/** The partition table of a plan as bytes; nothing for a disk without one. */
export function tableOf(name: string, { table, size, partitions }: DiskPlan): Piece[] {
  if (table === 'gpt') return gptTable(size, uuidOf(name, 'disk'), partitions);
  return table === 'dos' ? dosTable(size, serialOf(name, 'disk'), partitions) : [];
}

/** A partition of a plan by name; a plan that lacks it is a fault of this program. */
export function partitionOf(plan: DiskPlan, name: string): DiskPlan['partitions'][number] {
  const found = plan.partitions.find((partition) => partition.name === name);
  if (found === undefined) throw new Error(`cannot find the partition ${name} in the plan of the disk`);
  return found;
}
