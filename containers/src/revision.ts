/** Recipes into a revision: the state document and every object it names, ready to be installed on a device. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { busyboxApplets } from './debian.ts';
import { lxcConfig, volumeName } from './lxc-config.ts';
import { type ContainerRecipe, defaultGroups, defaultNetwork, type RevisionRecipe } from './recipe.ts';
import { collectRootfs } from './rootfs.ts';
import { makeSquashfs } from './squashfs.ts';

const defaultCache = fileURLToPath(new URL('../../build/containers', import.meta.url));

export interface BuiltRevision {
  /** The state document: compact JSON, top-level members sorted. */
  state: string;
  /** Size in bytes of every object the state names, by id. */
  objects: Map<string, number>;
}

/** A directory of objects by SHA-256, each written under another name first so that no half of one is ever seen. */
class ObjectWriter {
  readonly written = new Map<string, number>();
  readonly #directory: string;
  constructor(directory: string) {
    this.#directory = directory;
  }

  async text(text: string): Promise<string> {
    const bytes = new TextEncoder().encode(text);
    return this.#put(bytes, (path) => writeFile(path, bytes, { mode: 0o644 }));
  }

  async file(source: string): Promise<string> {
    const bytes = await readFile(source);
    return this.#put(bytes, (path) => copyFile(source, path, constants.COPYFILE_FICLONE));
  }

  async #put(bytes: Uint8Array, write: (path: string) => Promise<void>): Promise<string> {
    const id = createHash('sha256').update(bytes).digest('hex');
    if (this.written.has(id)) return id;
    const temporary = join(this.#directory, `.${id}.${process.pid}`);
    try {
      await write(temporary);
      await rename(temporary, join(this.#directory, id));
    } finally {
      await rm(temporary, { force: true });
    }
    this.written.set(id, bytes.length);
    return id;
  }
}

/** Members in the order of the original's template; those without a value are left out. */
function runJson(recipe: ContainerRecipe): Record<string, unknown> {
  const storage: Record<string, unknown> = {};
  for (const path of Object.keys(recipe.volumes ?? {}).sort()) {
    storage[volumeName(path)] = { persistence: recipe.volumes?.[path] };
  }
  storage['lxc-overlay'] = { persistence: recipe.overlay ?? 'boot' };
  return {
    '#spec': 'service-manifest-run@1',
    name: recipe.name,
    config: 'lxc.container.conf',
    drivers: { manual: [], required: [], optional: [] },
    ...(recipe.group === undefined ? {} : { group: recipe.group }),
    ...(recipe.restartPolicy === undefined ? {} : { restart_policy: recipe.restartPolicy }),
    ...(recipe.statusGoal === undefined ? {} : { status_goal: recipe.statusGoal }),
    ...(recipe.autoRecovery === undefined ? {} : { auto_recovery: recipe.autoRecovery }),
    storage,
    type: 'lxc',
    roles: [recipe.role ?? 'nobody'],
    'root-volume': 'root.squashfs',
    volumes: [],
    ...recipe.runJson,
  };
}

/**
 * Builds a revision. The same recipe on the same installed packages gives the same state and objects, byte for byte; images that were
 * made before are taken from the cache.
 * @param objects directory that receives the objects, created when missing; objects already there are replaced by equal ones
 * @param cache directory for images between builds; default `build/containers` of the checkout
 * @throws when a recipe cannot be written down, a package is not installed, or mksquashfs fails
 */
export async function buildRevision(
  recipe: RevisionRecipe,
  objects: string,
  cache: string = defaultCache,
): Promise<BuiltRevision> {
  const network = recipe.network ?? defaultNetwork;
  await mkdir(objects, { recursive: true });
  const writer = new ObjectWriter(objects);
  const applets = busyboxApplets();
  const images = new Map<string, string>();
  const rootfsId = async (container: ContainerRecipe): Promise<string> => {
    // Many containers of a test share one root file system: read and hash it once.
    const key = JSON.stringify(container.rootfs);
    const known = images.get(key);
    if (known !== undefined) return known;
    const id = await writer.file(await makeSquashfs(collectRootfs(container.rootfs, applets), cache));
    images.set(key, id);
    return id;
  };

  const members: Record<string, unknown> = {
    '#spec': 'pantavisor-service-system@1',
    'device.json': { groups: recipe.groups ?? defaultGroups, ...recipe.deviceJson },
  };
  for (const container of recipe.containers) {
    const { name } = container;
    members[`${name}/run.json`] = runJson(container);
    members[`${name}/lxc.container.conf`] = await writer.text(lxcConfig(container, network));
    members[`${name}/root.squashfs`] = await rootfsId(container);
    for (const [path, text] of Object.entries(container.config ?? {})) {
      members[`_config/${name}/${path.replace(/^\/+/, '')}`] = await writer.text(text);
    }
  }
  Object.assign(members, recipe.extra);
  const sorted = Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return { state: JSON.stringify(Object.fromEntries(sorted)), objects: writer.written };
}
