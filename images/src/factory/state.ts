/** The factory state: parts from pvr sources and the board support part, as revision 0 of a storage (build.md §3). */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatProblem, parseState } from '@pantavisor/state';
import type { ImageRecipe } from '../recipe/recipe.ts';
import type { Account } from './account.ts';
import { pvr } from './pvr.ts';
import { Origins, reasonFor } from './reasons.ts';

/** Groups of a device whose state brings no device.json of its own (state-format.md §6). */
const defaultDevice = {
  groups: [
    {
      name: 'data',
      description: 'Volumes which containers may want to access',
      restart_policy: 'system',
      status_goal: 'MOUNTED',
      timeout: 30,
    },
    {
      name: 'root',
      description: 'Container or containers that are in charge of setting network connectivity up for the board',
      restart_policy: 'system',
      status_goal: 'STARTED',
      timeout: 30,
    },
    {
      name: 'platform',
      description: 'Middleware and utility containers',
      restart_policy: 'system',
      status_goal: 'STARTED',
      timeout: 30,
    },
    {
      name: 'app',
      description: 'Application level containers',
      restart_policy: 'container',
      status_goal: 'STARTED',
      timeout: 30,
    },
  ],
};

/**
 * Gathers the factory state in a working tree.
 * @param tree folder for it, created
 * @param objects folder for objects, created
 * @param writeBsp writes the board support part into its folder `bsp`
 * @returns where the members come from
 * @throws Error with pvr's own words when a source cannot be had
 */
export async function gatherState(
  { parts }: ImageRecipe,
  tree: string,
  objects: string,
  writeBsp: (folder: string) => Promise<void>,
): Promise<Origins> {
  await mkdir(tree, { recursive: true });
  await mkdir(objects, { recursive: true });
  await pvr(tree, ['init', '--objects', objects]);
  const origins = new Origins();
  for (const part of parts) {
    await pvr(tree, ['merge', part]);
    origins.merged(part, JSON.parse(await readFile(join(tree, '.pvr/json'), 'utf8')) as Record<string, unknown>);
  }
  if (parts.length > 0) await pvr(tree, ['checkout']);
  await rm(join(tree, 'bsp'), { recursive: true, force: true });
  await writeBsp(join(tree, 'bsp'));
  if (!existsSync(join(tree, 'device.json'))) await writeFile(join(tree, 'device.json'), JSON.stringify(defaultDevice));
  await pvr(tree, ['add', '.']);
  await pvr(tree, ['commit', '-m', 'factory']);
  return origins;
}

/**
 * Makes revision 0 in a storage folder that has the objects: files as hard links, links for the boot loader, and nothing of this machine.
 * @param runtimeLoader `PV_BOOTLOADER_TYPE`
 * @returns the state document
 * @throws Error with every problem that a device would have with the state
 */
export async function deployFactory(
  tree: string,
  storage: string,
  runtimeLoader: string,
  origins: Origins,
  account: Account,
): Promise<string> {
  const objects = join(storage, 'objects');
  const trail = join(storage, 'trails/0');
  await pvr(tree, ['deploy', '--objects', objects, trail]);
  const state = await readFile(join(trail, '.pvr/json'), 'utf8');
  const { problems } = parseState(state, { initMode: 'embedded', bootloader: runtimeLoader });
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0)
    throw new Error(
      `cannot make a factory state of this: a device would refuse it\n${errors.map((one) => `  ${formatProblem(one)}`).join('\n')}`,
    );
  await rm(join(trail, '.pvr/stat-cache'), { force: true });
  await writeFile(join(trail, '.pvr/config'), '{"ObjectsDir": "/storage/objects"}');
  const members = JSON.parse(state) as Record<string, unknown>;
  await accountForParts(members, objects, origins, account);
  await removeUnused(objects);
  return state;
}

async function accountForParts(
  members: Record<string, unknown>,
  objects: string,
  origins: Origins,
  account: Account,
): Promise<void> {
  for (const [name, value] of Object.entries(members)) {
    if (name === '#spec' || /^bsp\/(?!run\.json|drivers\.json)/.test(name)) continue;
    const common = { place: 'state', name, origin: origins.of(name), why: reasonFor(name) };
    if (typeof value === 'string') account.add({ ...common, ...(await sizeAndName(join(objects, value), value)) });
    else account.add({ ...common, size: JSON.stringify(value).length });
  }
}

async function sizeAndName(path: string, sha256: string): Promise<{ size: number; sha256: string }> {
  return { size: (await stat(path)).size, sha256 };
}

/** Objects of parts that later parts have replaced. What is needed has a link in the trail. */
async function removeUnused(objects: string): Promise<void> {
  for (const name of await readdir(objects)) {
    const path = join(objects, name);
    const status = await stat(path);
    if (status.isDirectory() || status.nlink === 1) await rm(path, { recursive: true });
  }
}
