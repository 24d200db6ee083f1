/** From a recipe to a disk image and its account. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CpioEntry } from './archive/cpio.ts';
import { assembleDisk, type Content } from './disk/assemble.ts';
import { makeExt4 } from './disk/ext4.ts';
import { makeFat } from './disk/fat.ts';
import { serialOf, uuidOf } from './disk/identity.ts';
import { NoRoom } from './disk/tool.ts';
import { Account, type AccountEntry } from './factory/account.ts';
import { type BspMaterial, writeBsp } from './factory/bsp.ts';
import { proveSignatures, signFactory, trustFiles } from './factory/signing.ts';
import { deployFactory, gatherState } from './factory/state.ts';
import { buildInitramfs, compress, moduleArchive } from './initramfs/index.ts';
import { loaderContents } from './loader/contents.ts';
import { planDisk, tableOf } from './loader/layout.ts';
import { architectures } from './recipe/architectures.ts';
import { outsideProblems } from './recipe/outside.ts';
import type { ImageRecipe } from './recipe/recipe.ts';
import { formatRecipeProblem } from './recipe/schema.ts';

import { withWorkFolder } from './work-folder.ts';

const run = promisify(execFile);
const checkout = fileURLToPath(new URL('../../', import.meta.url));

export interface BuildPlaces {
  /** Image to write; its account is written beside it, with `.json` added. */
  image: string;
  /** Folder for what is kept between builds. */
  cache: string;
  /** Told what takes long. */
  say: (line: string) => void;
}

/** What stands beside an image: enough to run it and to explain it. */
export interface ImageAccount {
  '#spec': 'pantavisor-image-account@1';
  name: string;
  architecture: ImageRecipe['architecture'];
  loader: ImageRecipe['loader'];
  arguments: string;
  machine: ImageRecipe['machine'];
  size: number;
  sha256: string;
  partitions: { number: number; name: string; offset: number; size: number; why: string }[];
  entries: AccountEntry[];
}

/** The static executable of the runtime, built when a source of it changed. */
async function runtimeExecutable(architecture: ImageRecipe['architecture'], say: BuildPlaces['say']): Promise<string> {
  say('the runtime');
  try {
    const argv = [join(checkout, 'apps/device/build-small.ts'), architectures[architecture].executable];
    return (await run(process.execPath, argv, { maxBuffer: 16 * 1024 * 1024 })).stdout.trim();
  } catch (cause) {
    throw new Error(`cannot build the runtime for ${architecture}: ${(cause as { stderr?: string }).stderr ?? cause}`, {
      cause,
    });
  }
}

async function bspMaterial(
  recipe: ImageRecipe,
  runtimeLoader: string,
  places: BuildPlaces,
  account: Account,
  work: string,
): Promise<BspMaterial> {
  const { cache, say } = places;
  const executable = await runtimeExecutable(recipe.architecture, say);
  say('the initramfs');
  const files = new Map<string, CpioEntry>();
  for (const [path, source] of Object.entries(recipe.initramfs)) {
    const mode = ((await stat(source)).mode & 0o111) === 0 ? 0o644 : 0o755;
    files.set(path, { kind: 'file', mode, content: await readFile(source) });
  }
  for (const [path, content] of await trustFiles(recipe)) files.set(path, { kind: 'file', mode: 0o644, content });
  const compression = recipe.compression === 'best' ? 'zstd' : 'fast';
  const initramfs = await buildInitramfs({
    architecture: architectures[recipe.architecture].debian,
    packages: { folder: join(cache, 'debian'), say },
    folder: join(cache, 'products'),
    executable,
    configuration: { PV_BOOTLOADER_TYPE: runtimeLoader, ...recipe.config },
    files,
    compression,
  });
  for (const [name, { entry, origin, why }] of initramfs.tree)
    if (entry.kind === 'file') account.add({ place: 'initramfs', name, size: entry.content.length, origin, why });
  return {
    initramfs: { path: initramfs.path, origin: 'pantavisor and Debian packages' },
    earlyModules: async ({ release, modules }) => {
      const file = join(work, 'early-modules');
      await writeFile(file, compress(await moduleArchive(release, modules), compression));
      return file;
    },
  };
}

async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Text of `pantahub.config`: one `KEY=value` a line. */
function hubConfig(keys: Readonly<Record<string, string>>): string {
  return Object.entries(keys)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/**
 * Builds an image: it appears whole under its name, or not at all. The same recipe with the same sources and packages gives the same bytes.
 * @throws Error that names what is missing or wrong
 */
export async function buildImage(recipe: ImageRecipe, places: BuildPlaces): Promise<ImageAccount> {
  const { image, cache, say } = places;
  const problems = await outsideProblems(recipe);
  if (problems.length > 0)
    throw new Error(
      `cannot build the image ${recipe.name}:\n${problems.map((one) => `  ${formatRecipeProblem(one)}`).join('\n')}`,
    );
  const plan = planDisk(recipe);
  const account = new Account();
  await mkdir(join(cache, 'products'), { recursive: true });
  await mkdir(dirname(image), { recursive: true });
  // Beside the cache's objects, so that hard links and renames stay within one file system.
  return withWorkFolder(cache, async (work) => {
    const storage = join(work, 'storage');
    const objects = join(storage, 'objects');
    const tree = join(work, 'tree');
    const material = await bspMaterial(recipe, plan.runtime, places, account, work);
    say('the factory state');
    const origins = await gatherState(recipe, tree, objects, (folder) =>
      writeBsp(recipe, folder, {
        debian: { folder: join(cache, 'debian'), say },
        products: join(cache, 'products'),
        material,
        account,
        work,
      }),
    );
    await signFactory(recipe, tree);
    await proveSignatures(recipe, tree, work);
    await deployFactory(tree, storage, plan.runtime, origins, account);
    await rm(tree, { recursive: true, force: true });
    const trail = join(storage, 'trails/0');
    const loader = await loaderContents(recipe, plan, trail, account);
    const files = new Map<string, Uint8Array>([
      ['config/pantahub.config', Buffer.from(hubConfig(recipe.hub))],
      ...loader.storage,
    ]);
    for (const [path, text] of Object.entries(recipe.storage.files)) files.set(path, Buffer.from(text));
    const isOurs = (path: string) =>
      recipe.storage.files[path] === undefined && (loader.storage.has(path) || Object.keys(recipe.hub).length === 0);
    for (const [path, content] of files) {
      await mkdir(dirname(join(storage, path)), { recursive: true });
      await writeFile(join(storage, path), content);
      account.add({
        place: 'storage',
        name: path,
        size: content.length,
        origin: isOurs(path) ? 'pv-image' : 'recipe',
        why: storageReasons[path] ?? 'file of the recipe',
      });
    }
    for (const folder of ['logs', 'config', 'disks', 'cache']) await mkdir(join(storage, folder), { recursive: true });
    say('the disk');
    const contents: Content[] = [];
    for (const { name, offset, size } of plan.partitions) {
      const file = join(work, `${name}.img`);
      const fat = loader.fat.get(name);
      if (name === 'root')
        await makeExt4({ file, size, label: 'root', uuid: uuidOf(recipe.name, 'storage'), folder: storage }).catch(
          (error: Error) => {
            if (!(error instanceof NoRoom)) throw error;
            // A device keeps two revisions while it updates itself.
            const megabytes = 2 ** Math.ceil(Math.log2((error.needed * 2.5) / 1024 / 1024));
            throw new Error(
              `${error.message}: "storage": {"size": "${megabytes}M"} of the recipe has room for updates, too`,
              {
                cause: error,
              },
            );
          },
        );
      else if (fat !== undefined)
        await makeFat({ file, size, label: name.toUpperCase(), serial: serialOf(recipe.name, name), ...fat });
      else continue;
      contents.push({ offset, file });
    }
    const finished = join(work, 'disk.img');
    await assembleDisk(finished, plan.size, contents, [...loader.pieces, ...tableOf(recipe.name, plan)]);
    const result: ImageAccount = {
      '#spec': 'pantavisor-image-account@1',
      name: recipe.name,
      architecture: recipe.architecture,
      loader: recipe.loader,
      arguments: recipe.arguments,
      machine: recipe.machine,
      size: plan.size,
      sha256: await digestFile(finished),
      partitions: plan.partitions.map(({ number, name, offset, size, why }) => ({ number, name, offset, size, why })),
      entries: account.entries,
    };
    await writeFile(join(work, 'account.json'), `${JSON.stringify(result, null, 2)}\n`);
    await moveOver(join(work, 'account.json'), `${image}.json`);
    await moveOver(finished, image);
    return result;
  });
}

const storageReasons: Readonly<Record<string, string>> = {
  'boot/grubenv': 'the revision to boot, for GRUB',
  'boot/uboot.txt': 'the revision to boot, for the boot script',
  'boot/rpiab.txt': 'the revision that is committed',
  'config/pantahub.config': 'how the device meets its hub',
};

/** A rename, or a copy and a rename where the target is on another file system. */
async function moveOver(source: string, target: string): Promise<void> {
  try {
    await rename(source, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    const temporary = `${target}.${process.pid}.tmp`;
    try {
      await run('cp', ['--sparse=always', source, temporary]);
      await rename(temporary, target);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}
