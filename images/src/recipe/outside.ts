/** What is wrong with a recipe beside its text: files that are missing, of another kind, or do not fit. All at once, before anything is built. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { planDisk, roomBefore } from '../loader/layout.ts';
import type { ImageRecipe } from './recipe.ts';
import type { RecipeProblem } from './schema.ts';

type Kind = 'file' | 'folder' | 'either';

/** @returns why it cannot be used, as what follows the name of the member; undefined when it can */
async function whyNotPath(path: string, kind: Kind): Promise<string | undefined> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? `is not there: ${path}` : `cannot be read: ${message}`;
  }
  if (kind === 'file' && isFolder) return `is a folder, and must be a file: ${path}`;
  if (kind === 'folder' && !isFolder) return `is a file, and must be a folder: ${path}`;
  return undefined;
}

const releaseMark = 'modules.order';

/** depmod wants what `make modules_install` leaves, and the name of the folder is the release of the kernel. */
async function whyNotModules(folder: string): Promise<string | undefined> {
  const why = await whyNotPath(folder, 'folder');
  if (why !== undefined) return why;
  const names = await readdir(folder);
  if (names.includes(releaseMark)) return undefined;
  for (const name of names.sort())
    if ((await whyNotPath(join(folder, name, releaseMark), 'file')) === undefined)
      return `is not the folder of one release, such as ${join(folder, name)}: ${folder}`;
  return `has no ${releaseMark}: it must be the folder that "make modules_install" names after the release: ${folder}`;
}

/** Every file and folder of a recipe with the member that names it. */
function* namedPaths(recipe: ImageRecipe): Generator<[place: string, path: string, kind: Kind]> {
  const { kernel, initramfs, boot, parts, signing } = recipe;
  if ('image' in kernel) {
    yield ['kernel.image', kernel.image, 'file'];
    if (kernel.firmware !== undefined) yield ['kernel.firmware', kernel.firmware, 'folder'];
    const trees = Object.entries(kernel.fdt ?? {});
    for (const [name, path] of trees) yield [trees.length > 1 ? `kernel.fdt.${name}` : 'kernel.fdt', path, 'file'];
  }
  for (const [name, path] of Object.entries(initramfs)) yield [`initramfs.${name}`, path, 'file'];
  for (const [name, path] of Object.entries(boot.files)) yield [`boot.files.${name}`, path, 'file'];
  for (const [offset, path] of Object.entries(boot.raw)) yield [`boot.raw.${offset}`, path, 'file'];
  for (const [name, path] of Object.entries(signing)) yield [`signing.${name}`, path, 'file'];
  for (const [index, part] of parts.entries())
    if (part.startsWith('/')) yield [`parts[${index}]`, part.replace(/#.*$/, ''), 'either'];
}

/** Pieces before the first partition: on free ground, and none on another. */
async function* rawProblems(recipe: ImageRecipe): AsyncGenerator<RecipeProblem> {
  const room = roomBefore(planDisk(recipe));
  let last = { place: '', end: 0 };
  for (const [text, path] of Object.entries(recipe.boot.raw).sort(([a], [b]) => Number(a) - Number(b))) {
    const size = await stat(path).then(
      (status) => (status.isFile() ? status.size : undefined),
      () => undefined,
    );
    if (size === undefined) continue;
    const [place, offset] = [`boot.raw.${text}`, Number(text)];
    if (offset < room.begin || offset + size > room.end) {
      const where = `there is room from ${room.begin} to ${room.end}`;
      yield { place, message: `does not fit: ${size} bytes at ${offset}, and ${where}` };
    } else if (offset < last.end) yield { place, message: `lies on ${last.place}, which ends at ${last.end}` };
    last = { place, end: offset + size };
  }
}

/**
 * Looks at everything that a recipe names outside of itself.
 * @returns what is wrong, in the order of the recipe's members; nothing when it can be built as far as files go
 */
export async function outsideProblems(recipe: ImageRecipe): Promise<RecipeProblem[]> {
  const problems: RecipeProblem[] = [];
  const note = (place: string, message: string | undefined) =>
    void (message !== undefined && problems.push({ place, message }));
  for (const [place, path, kind] of namedPaths(recipe)) {
    // Something else is said of a path that is none.
    if (path === '') continue;
    note(place, await whyNotPath(path, kind));
    const { kernel } = recipe;
    if (place === 'kernel.image' && 'image' in kernel && kernel.modules !== undefined)
      note('kernel.modules', await whyNotModules(kernel.modules));
  }
  if (recipe.loader === 'none') {
    if (Object.keys({ ...recipe.boot.files, ...recipe.boot.raw }).length > 0)
      note('boot', 'has no place on a disk of loader none, which is a storage and nothing else');
  } else for await (const { place, message } of rawProblems(recipe)) note(place, message);
  return problems;
}
