/** The recipe that a command names. */
import { readFile } from 'node:fs/promises';
import { Failure } from '@pantavisor/cli';
import type { ImageRecipe } from '../recipe/recipe.ts';
import { readRecipe } from '../recipe/schema.ts';

/**
 * Reads a recipe's file.
 * @throws Failure with every problem of it, exit code 2; exit code 3 when it cannot be read
 */
export async function recipeFile(path: string): Promise<ImageRecipe> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new Failure('no-recipe', `cannot read the recipe ${path}: ${(cause as Error).message}`, { cause });
  }
  const { recipe, problems } = readRecipe(text, path);
  if (recipe !== undefined) return recipe;
  const lines = problems.map(({ place, message }) => `  ${place === '' ? 'it' : place} ${message}`);
  throw new Failure('bad-recipe', `cannot use the recipe ${path}:\n${lines.join('\n')}`, {
    exitCode: 2,
    hint: 'docs/images.md tells what recipes can say',
    details: problems,
  });
}
