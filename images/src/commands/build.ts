/** `pv-image build`. */
import { basename, join } from 'node:path';
import { type CommandSpec, formatBytes } from '@pantavisor/cli';
import { buildImage } from '../build.ts';
import type { PvImage } from '../context.ts';
import { fileArgument, recipeFile } from './recipe-file.ts';

export const buildCommand: CommandSpec<PvImage> = {
  names: ['build'],
  summary: 'make an image',
  about: `The same recipe with the same sources and packages gives the same bytes. Beside the image lies IMAGE.json, which tells what is in
it; 'pv-image explain' shows it. Needs no root rights.`,
  arguments: [{ name: 'recipe', help: 'file with the recipe', complete: 'file' }],
  flags: [
    {
      names: ['output', 'o'],
      kind: 'text',
      value: 'file',
      help: 'image to write; default: build/images/NAME.img of the checkout',
      complete: 'file',
    },
  ],
  examples: [
    ['pv-image build images/recipes/x64.json', 'GRUB, for PCs and QEMU'],
    ['pv-image build board.json -o board.img', 'a board of your own'],
  ],
  async run(context, input) {
    const recipe = await recipeFile(fileArgument(context, input, 'recipe'));
    const output = input.text('output');
    const image = output === undefined ? join(context.cache, `${recipe.name}.img`) : context.path(output);
    const account = await buildImage(recipe, { image, cache: context.cache, say: context.say });
    return {
      text: `${image}\n${formatBytes(account.size)}, SHA-256 ${account.sha256}\n`,
      json: { image, account: `${image}.json`, size: account.size, sha256: account.sha256, name: basename(image) },
    };
  },
};
