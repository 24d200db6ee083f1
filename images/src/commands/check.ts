/** `pv-image check`. */
import type { CommandSpec } from '@pantavisor/cli';
import type { PvImage } from '../context.ts';
import { fileArgument, recipeFile } from './recipe-file.ts';

export const checkCommand: CommandSpec<PvImage> = {
  names: ['check'],
  summary: 'say what is wrong with a recipe, all at once',
  arguments: [{ name: 'recipe', help: 'file with the recipe', complete: 'file' }],
  examples: [['pv-image check board.json', 'exit code 2 when something is wrong']],
  async run(context, input) {
    const path = fileArgument(context, input, 'recipe');
    const recipe = await recipeFile(path);
    return { text: `${path} is a good recipe for ${recipe.name}\n`, json: { recipe } };
  },
};
