/** What boot loaders find on a new disk: boot sectors, boot partitions, and their files in the storage. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Piece } from '../disk/table.ts';
import { fixedTime } from '../disk/tool.ts';
import type { Account } from '../factory/account.ts';
import type { ImageRecipe } from '../recipe/recipe.ts';
import { grubBlock, grubForBios, grubForEfi, grubScript, triedBlock } from './grub.ts';
import { type DiskPlan, partitionOf } from './layout.ts';
import { autoboot } from './rpi.ts';
import { scriptImage, triedFile, ubootBlock, ubootScript, ubootText } from './uboot.ts';

export interface LoaderContents {
  /** Boot code outside file systems. */
  pieces: Piece[];
  /** Files by name of the FAT partition, and what they are added to. */
  fat: Map<string, { files: Map<string, Uint8Array>; base?: Uint8Array }>;
  /** Files in the storage by path. */
  storage: Map<string, Uint8Array>;
}

/** Archives after the initramfs that scripts look for. */
const mostAddons = 8;
const firstRevision = '0';

const text = (content: string): Uint8Array => Buffer.from(content);

async function filesOf(files: Readonly<Record<string, string>>, place: string): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const [path, source] of Object.entries(files)) {
    const content = await readFile(source).catch((cause) => {
      throw new Error(`cannot read ${source} for ${place}.${path}: ${(cause as Error).message}`, { cause });
    });
    found.set(path, content);
  }
  return found;
}

/** The files by name, noted in the account. */
function noted(
  files: Map<string, Uint8Array>,
  place: string,
  account: Account,
  why: Record<string, [origin: string, why: string]>,
) {
  for (const [name, content] of files) {
    const [origin, reason] = why[name] ?? ['recipe', 'file of the recipe'];
    account.add({ place, name, size: content.length, origin, why: reason });
  }
  return files;
}

/**
 * Prepares what the boot loader of a recipe needs.
 * @param trail folder of the factory revision
 * @throws Error when a tool or a file of the recipe is missing
 */
export async function loaderContents(
  recipe: ImageRecipe,
  plan: DiskPlan,
  trail: string,
  account: Account,
): Promise<LoaderContents> {
  const raw = [...(await filesOf(recipe.boot.raw, 'boot.raw'))].map(([offset, bytes]) => ({
    offset: Number(offset),
    bytes,
  }));
  const own = await filesOf(recipe.boot.files, 'boot.files');
  const contents: LoaderContents = { pieces: raw, fat: new Map(), storage: new Map() };
  switch (recipe.loader) {
    case 'grub': {
      const storagePartition = partitionOf(plan, 'root').number;
      const boot = new Map([
        ['EFI/BOOT/BOOTX64.EFI', await grubForEfi()],
        ['grub/grub.cfg', text(grubScript({ storagePartition, arguments: recipe.arguments, mostAddons }))],
        [triedBlock, grubBlock({})],
        ...own,
      ]);
      contents.fat.set('boot', {
        files: noted(boot, 'boot', account, {
          'EFI/BOOT/BOOTX64.EFI': ['grub-efi-amd64-bin', 'GRUB for UEFI'],
          'grub/grub.cfg': ['pv-image', 'chooses the revision to boot'],
          [triedBlock]: ['pv-image', 'what GRUB has tried'],
        }),
      });
      const [sector, core] = await grubForBios(partitionOf(plan, 'bios'), partitionOf(plan, 'boot').number);
      if (sector && core) contents.pieces.push(sector, core);
      account.add({
        place: 'disk',
        name: 'GRUB core',
        size: core?.bytes.length ?? 0,
        origin: 'grub-pc-bin',
        why: 'GRUB for BIOS, in the partition bios',
      });
      contents.storage.set('boot/grubenv', grubBlock({ pv_rev: firstRevision }));
      break;
    }
    case 'u-boot': {
      const [bootPartition, storagePartition] = [partitionOf(plan, 'boot').number, partitionOf(plan, 'root').number];
      const trees = Object.keys(recipe.kernel.fdt ?? {});
      const [onlyTree] = trees.length === 1 ? trees : [];
      const script = ubootScript({
        bootPartition,
        storagePartition,
        arguments: recipe.arguments,
        mostAddons,
        ...(onlyTree === undefined ? {} : { deviceTree: onlyTree }),
      });
      const boot = new Map([
        ['boot.scr', scriptImage(script, fixedTime, recipe.architecture === 'armv7' ? 'armv7' : 'aarch64')],
        ['oemEnv.txt', text('oemargs=\n')],
        [triedFile, text('pv_trying=\n\0')],
        ...own,
      ]);
      contents.fat.set('boot', {
        files: noted(boot, 'boot', account, {
          'boot.scr': ['pv-image', 'chooses the revision to boot'],
          'oemEnv.txt': ['pv-image', 'more kernel arguments of a machine'],
          [triedFile]: ['pv-image', 'what the boot script has tried'],
        }),
      });
      if (Object.keys(recipe.boot.oem).length > 0) {
        const bytes = text(ubootText(recipe.boot.oem));
        contents.pieces.push({ offset: partitionOf(plan, 'oem').offset, bytes });
        const why = 'variables of U-Boot, in the partition oem';
        account.add({ place: 'disk', name: 'OEM environment', size: bytes.length, origin: 'recipe', why });
      }
      contents.storage.set('boot/uboot.txt', ubootBlock({ pv_rev: firstRevision }));
      break;
    }
    case 'rpi': {
      const selector = new Map([
        ['autoboot.txt', text(autoboot(partitionOf(plan, 'boot_a').number, partitionOf(plan, 'boot_b').number))],
        ['config.txt', text('')],
      ]);
      contents.fat.set('bootsel', {
        files: noted(selector, 'bootsel', account, {
          'autoboot.txt': ['pv-image', 'the boot partition, and the one that is tried'],
          'config.txt': ['pv-image', 'empty: the firmware wants it'],
        }),
      });
      const base = gunzipSync(await readFile(join(trail, '.pv/rpiboot.img.gz')));
      const list = noted(new Map([['pv_rev.txt', text(`${firstRevision}\n`)]]), 'boot_a', account, {
        'pv_rev.txt': ['pv-image', 'the revision that the partition holds'],
      });
      contents.fat.set('boot_a', { files: list, base });
      contents.fat.set('boot_b', { files: new Map(), base });
      contents.storage.set('boot/rpiab.txt', Buffer.concat([text(`pv_rev=${firstRevision}\0`)], 512));
      break;
    }
    case 'none':
      contents.storage.set('boot/uboot.txt', ubootBlock({ pv_rev: firstRevision }));
  }
  return contents;
}
