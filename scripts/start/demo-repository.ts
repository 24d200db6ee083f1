/** The demonstration's containers as a repository of pvr, from which images are made. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foreignContainer } from '../../containers/foreign.ts';
import { gatewayContainer } from '../../containers/gateway/recipe.ts';
import { networkContainer } from '../../containers/network/recipe.ts';
import type { ContainerRecipe, GroupRecipe } from '../../containers/src/recipe.ts';
import { buildRevision } from '../../containers/src/revision.ts';
import { webContainer } from '../../containers/web/recipe.ts';

export type DemoArchitecture = 'x86_64' | 'aarch64';

const images = fileURLToPath(new URL('../../build/images', import.meta.url));

/** A network, the control socket on the network, and a web server on the device's own address. */
function demoContainers(): ContainerRecipe[] {
  return [networkContainer(), gatewayContainer(), { ...webContainer(0, 'Pantavisor in QEMU'), network: 'host' }];
}

/**
 * Writes containers into a folder as pvr keeps a repository.
 * @returns the folder
 */
export async function writeRepository(
  folder: string,
  containers: ContainerRecipe[],
  architecture: DemoArchitecture,
  groups?: GroupRecipe[],
): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, '.pvr'), { recursive: true });
  const objects = join(folder, 'objects');
  const made =
    architecture === 'x86_64' ? containers : await Promise.all(containers.map((one) => foreignContainer(one)));
  const { state } = await buildRevision({ containers: made, ...(groups && { groups }) }, objects);
  await writeFile(join(folder, '.pvr/json'), state);
  await writeFile(join(folder, '.pvr/config'), JSON.stringify({ ObjectsDir: objects }));
  return folder;
}

/** The repository that the recipes `demo-*.json` name. */
export function buildDemoRepository(architecture: DemoArchitecture): Promise<string> {
  return writeRepository(join(images, `demo-${architecture}`), demoContainers(), architecture);
}
