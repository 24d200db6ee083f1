/** The recipe that a command names. */
import { readFile } from 'node:fs/promises';
import { Failure, type Input } from '@pantavisor/cli';
import type { PvImage } from '../context.ts';
import { outsideProblems } from '../recipe/outside.ts';
import type { ImageRecipe } from '../recipe/recipe.ts';
import { formatRecipeProblem, type RecipeProblem, readRecipe } from '../recipe/schema.ts';

/**
 * The file that a command is given.
 * @param what the file is, e.g. `recipe`
 * @throws Failure when nothing was given
 */
export function fileArgument(context: PvImage, { values }: Input, what: string): string {
  const [name] = values;
  if (name !== undefined) return context.path(name);
  throw new Failure('usage', `cannot go on without ${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}: name its file`, {
    hint: "'pv-image --help' shows examples",
  });
}

/**
 * Reads a recipe's file, and looks at the files that it names.
 * @throws Failure with every problem of it, exit code 2; exit code 3 when it cannot be read
 */
export async function recipeFile(path: string): Promise<ImageRecipe> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new Failure('no-recipe', `cannot read the recipe ${path}: ${(cause as Error).message}`, { cause });
  }
  const read = readRecipe(text, path);
  const readable = read.recipe ?? read.draft;
  const problems: RecipeProblem[] = [...read.problems];
  if (readable !== undefined) problems.push(...(await outsideProblems(readable)));
  if (read.recipe !== undefined && problems.length === 0) return read.recipe;
  const lines = problems.map((problem) => `  ${formatRecipeProblem(problem)}`);
  throw new Failure('bad-recipe', `cannot use the recipe ${path}:\n${lines.join('\n')}`, {
    exitCode: 2,
    hint: 'docs/images.md tells what recipes can say',
    details: problems,
  });
}
