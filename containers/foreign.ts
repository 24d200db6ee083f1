/** Containers for machines of other architectures, made on any machine: programs come from Debian packages that are unpacked, not installed. */

import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DebianArchitecture, debianPackages } from '@pantavisor/images/debian';
import type { ContainerRecipe } from './src/recipe.ts';

const cache = fileURLToPath(new URL('../build/images/debian', import.meta.url));

/** Libraries of the programs that recipes name. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  'netcat-openbsd': ['libbsd0', 'libmd0', 'libc6'],
};

const unwanted = /\/(gconv|audit|systemd)(\/|$)/;

/** Programs and libraries of packages in one folder, kept between calls. */
async function programTree(names: readonly string[], architecture: DebianArchitecture): Promise<string> {
  const home = join(cache, architecture, `.tree-${names.join('+')}`);
  if (existsSync(home)) return home;
  const packages = await debianPackages(names, architecture, { folder: cache, say: (line) => console.error(line) });
  await mkdir(join(cache, architecture), { recursive: true });
  // Several containers of a revision ask for the same tree at once.
  const work = await mkdtemp(`${home}.`);
  for (const { root } of packages)
    for (const folder of ['bin', 'sbin', 'lib', 'usr/bin', 'usr/sbin', 'usr/lib']) {
      if (!existsSync(join(root, folder))) continue;
      await mkdir(join(work, folder), { recursive: true });
      await cp(join(root, folder), join(work, folder), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !unwanted.test(path.slice(root.length)),
      });
    }
  try {
    await rename(work, home);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    if (!existsSync(home)) throw error;
  }
  return home;
}

/** The same container with the programs of another architecture. */
export async function foreignContainer(
  container: ContainerRecipe,
  architecture: DebianArchitecture,
): Promise<ContainerRecipe> {
  const { packages = [], trees = [], ...rootfs } = container.rootfs;
  const names = ['busybox-static', ...packages.flatMap((name) => [name, ...(libraries[name] ?? [])])];
  return {
    ...container,
    rootfs: { ...rootfs, trees: [await programTree([...new Set(names)], architecture), ...trees] },
  };
}
