/** The demonstration's containers as a repository of pvr, from which images are made. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DebianArchitecture } from '@pantavisor/images/debian';
import type { ImageRecipe } from '@pantavisor/images/images';
import { foreignContainer } from '../../containers/foreign.ts';
import { gatewayContainer } from '../../containers/gateway/recipe.ts';
import { networkContainer } from '../../containers/network/recipe.ts';
import type { ContainerRecipe, GroupRecipe } from '../../containers/src/recipe.ts';
import { buildRevision } from '../../containers/src/revision.ts';
import { webContainer } from '../../containers/web/recipe.ts';

export type DemoArchitecture = ImageRecipe['architecture'];

const images = fileURLToPath(new URL('../../build/images', import.meta.url));

/** A network, the control socket on the network, and a web server on the device's own address. */
function demoContainers(): ContainerRecipe[] {
  return [networkContainer(), gatewayContainer(), { ...webContainer(0, 'Pantavisor in QEMU'), network: 'host' }];
}

const foreign: Partial<Record<DemoArchitecture, DebianArchitecture>> = { aarch64: 'arm64', armv7: 'armhf' };

/** Containers with the programs of an architecture; those of x86-64 are the ones that are installed. */
export function containersFor(
  containers: ContainerRecipe[],
  architecture: DemoArchitecture,
): Promise<ContainerRecipe[]> {
  const debian = foreign[architecture];
  return Promise.all(containers.map(async (one) => (debian === undefined ? one : foreignContainer(one, debian))));
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
  const made = await containersFor(containers, architecture);
  const { state } = await buildRevision({ containers: made, ...(groups && { groups }) }, objects);
  await writeFile(join(folder, '.pvr/json'), state);
  await writeFile(join(folder, '.pvr/config'), JSON.stringify({ ObjectsDir: objects }));
  return folder;
}

/** The repository that the recipes `demo-*.json` name. */
export function buildDemoRepository(architecture: DemoArchitecture): Promise<string> {
  return writeRepository(join(images, `demo-${architecture}`), demoContainers(), architecture);
}
