/** U-Boot's environment on its device: which copy counts, and writing the other one, as `fw_setenv` does. */
import type { TextCoding } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { type Entry, entryValue, withValues } from './entries.ts';
import { type Flash, rewriteFlash } from './flash.ts';
import {
  type EnvironmentImage,
  type FlagKind,
  formatImage,
  newerImage,
  nextFlag,
  obsoleteFlag,
  parseImage,
} from './uboot-env-image.ts';

/** One copy of the environment. */
export interface EnvironmentPlace {
  flash: Flash;
  offset: number;
  /** Bytes, the same for both copies. */
  size: number;
}

export interface UbootEnvironmentStore {
  read(): Promise<Entry[]>;
  /** Sets or removes values; writes nothing when nothing changes. With two copies a power cut leaves the old values or the new. */
  set(values: Record<string, string | undefined>): Promise<void>;
}

/**
 * @param places one copy, or two of which one is written while the other still counts
 */
export function createEnvironmentStore(options: {
  places: readonly [EnvironmentPlace] | readonly [EnvironmentPlace, EnvironmentPlace];
  flags: FlagKind;
  text: TextCoding;
}): UbootEnvironmentStore {
  const { places, flags, text } = options;
  const redundant = places.length === 2;
  if (redundant && shareBlock(places[0], places[1]))
    throw new Failure('boot-env-layout', "cannot use two copies of U-Boot's environment that are erased together", {
      hint: 'each copy needs erase blocks of its own',
    });

  async function load(): Promise<{ images: (EnvironmentImage | undefined)[]; active: number | undefined }> {
    const images: (EnvironmentImage | undefined)[] = [];
    for (const { flash, offset, size } of places)
      images.push(parseImage(await flash.read(offset, size), redundant, text));
    const active = redundant ? newerImage(images[0], images[1], flags) : images[0] && 0;
    return { images, active };
  }

  return {
    read: async () => {
      const { images, active } = await load();
      return images[active ?? 0]?.entries ?? [];
    },
    set: async (values) => {
      const { images, active } = await load();
      const current = active === undefined ? undefined : images[active];
      if (current === undefined)
        throw new Failure(
          'boot-env-damaged',
          "cannot change U-Boot's environment: no copy of it has a valid checksum",
          {
            hint: 'write a default environment first, with saveenv in U-Boot or fw_setenv -f FILE',
          },
        );
      const changed = Object.entries(values).some(([key, value]) => value !== entryValue(current.entries, key));
      if (!changed) return;
      const flag = redundant ? nextFlag(current.flag, flags) : undefined;
      const target = redundant && active === 0 ? 1 : 0;
      const place = places[target] ?? places[0];
      const image = formatImage({ flag, entries: withValues(current.entries, values) }, place.size, text);
      await rewriteFlash(place.flash, place.offset, image);
      const old = places[1 - target];
      // Bits of NOR flash can be cleared without erasing; a cut before this leaves two active copies, of which U-Boot takes the first.
      if (redundant && flags === 'active' && old) await old.flash.write(old.offset + 4, Uint8Array.of(obsoleteFlag));
    },
  };
}

function shareBlock(a: EnvironmentPlace, b: EnvironmentPlace): boolean {
  const blocks = ({ flash, offset, size }: EnvironmentPlace) => ({
    first: Math.floor(offset / flash.eraseSize),
    last: Math.floor((offset + size - 1) / flash.eraseSize),
  });
  const [one, two] = [blocks(a), blocks(b)];
  return a.flash === b.flash && one.first <= two.last && two.first <= one.last;
}

/** Text of `/etc/fw_env.config` for U-Boot's own tools (fw_printenv(8)). */
export function formatToolConfig(
  places: readonly { device: string; offset: number; size: number; eraseSize: number; sectors: number }[],
): string {
  const hex = (value: number) => `0x${value.toString(16)}`;
  const lines = places.map(({ device, offset, size, eraseSize, sectors }) =>
    [device, hex(offset), hex(size), hex(eraseSize), hex(sectors)].join('\t'),
  );
  return ['# Written by Pantavisor at each start', ...lines, ''].join('\n');
}
