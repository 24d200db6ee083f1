/** `pv-image explain`. */
import { type Cell, type CommandSpec, formatBytes, formatTable, painter } from '@pantavisor/cli';
import type { ImageAccount } from '../build.ts';
import type { PvImage } from '../context.ts';
import { planDisk } from '../loader/layout.ts';
import { readAccount } from '../run/image-machine.ts';
import { fileArgument, recipeFile } from './recipe-file.ts';

const places: Readonly<Record<string, string>> = {
  disk: 'Outside of file systems',
  boot: 'Boot partition',
  bootsel: 'Selecting partition',
  boot_a: 'Boot partition A',
  storage: 'Storage, beside revisions',
  state: 'Factory state, revision 0',
  initramfs: 'Initramfs, uncompressed',
};

const bytes = (size: number | undefined): string => (size === undefined ? '' : formatBytes(size));

function partitionRows(
  partitions: readonly { number: number; name: string; offset: number; size: number; why: string }[],
): Cell[][] {
  return partitions.map(({ number, name, offset, size, why }) =>
    [`${number}`, name, bytes(offset), bytes(size), why].map((text) => ({ text })),
  );
}

/** What of an image lies in memory or on the way to it: the sizes that a device with little of either asks for. */
function sizeRows({ entries }: ImageAccount): Cell[][] {
  const inState = (key: string) => entries.find(({ place, name }) => place === 'state' && name === key)?.size;
  const unpacked = entries.filter(({ place }) => place === 'initramfs').reduce((sum, { size = 0 }) => sum + size, 0);
  const rows: [string, number | undefined, string][] = [
    ['kernel', inState('bsp/kernel.img'), 'as it is loaded'],
    ['initramfs', inState('bsp/pantavisor'), 'compressed, without modules of the kernel'],
    ['', unpacked, 'unpacked: it stays in memory'],
    ['FIT', inState('bsp/pantavisor.fit'), 'kernel, initramfs and device trees, as they are loaded'],
    ['early modules', inState('bsp/modules.cpio.zst'), 'compressed; appended to the initramfs'],
    ['modules', inState('bsp/modules.squashfs'), 'read from the storage as they are needed'],
  ];
  return rows
    .filter(([, size]) => size !== undefined)
    .map(([what, size, meaning]) => [what, bytes(size), meaning].map((text) => ({ text })));
}

export const explainCommand: CommandSpec<PvImage> = {
  names: ['explain'],
  summary: 'say what is in an image, where it comes from, and why',
  about: 'For a recipe it says what would be made of it, with all defaults; nothing is built.',
  arguments: [{ name: 'image', help: 'image that pv-image built, or a recipe (*.json)', complete: 'file' }],
  examples: [
    ['pv-image explain build/images/x64.img', 'partitions and every file'],
    ['pv-image explain --json x64.img | jq .entries', 'for programs'],
  ],
  async run(context, input) {
    const path = fileArgument(context, input, 'image');
    const { stdout, environment } = context.terminal;
    const paint = painter(stdout, environment);
    const width = stdout.isTTY ? stdout.columns : 200;
    const partitionTable = (partitions: Parameters<typeof partitionRows>[0]) =>
      formatTable(['NO', 'NAME', 'BEGIN', 'SIZE', 'WHY'], partitionRows(partitions), paint, width);
    if (path.endsWith('.json')) {
      const recipe = await recipeFile(path);
      const plan = planDisk(recipe);
      const text = `${JSON.stringify(recipe, null, 2)}\n\n${partitionTable(plan.partitions)}`;
      return { text, json: { recipe, plan } };
    }
    const account: ImageAccount = await readAccount(path);
    const sections = Object.entries(places).flatMap(([place, title]) => {
      const entries = account.entries.filter((entry) => entry.place === place);
      if (entries.length === 0) return [];
      const rows = entries.map(({ name, size, origin, why }) =>
        [name, bytes(size), origin, why].map((text) => ({ text })),
      );
      return [`\n${paint('bold', title)}\n${formatTable(['NAME', 'SIZE', 'FROM', 'WHY'], rows, paint, width)}`];
    });
    const sizes = sizeRows(account);
    const sizeTable =
      sizes.length === 0
        ? ''
        : `\n${paint('bold', 'Sizes')}\n${formatTable(['WHAT', 'SIZE', 'MEANING'], sizes, paint, width)}`;
    const head = `${account.name}: ${account.architecture}, boot loader ${account.loader}, ${formatBytes(account.size)}\nSHA-256 ${account.sha256}\n\n`;
    return { text: `${head}${partitionTable(account.partitions)}${sizeTable}${sections.join('')}`, json: account };
  },
};
