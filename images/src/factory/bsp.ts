/** The board support part of a factory state: kernel, modules and firmware, initramfs with the runtime (build.md §3.2). */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type DebianCache, debianKernel } from '../debian/index.ts';
import { makeFat } from '../disk/fat.ts';
import { serialOf } from '../disk/identity.ts';
import { runTool } from '../disk/tool.ts';
import { partitionOf, planDisk } from '../loader/layout.ts';
import { bootConfig, commandLine } from '../loader/rpi.ts';
import { architectures } from '../recipe/architectures.ts';
import type { ImageRecipe } from '../recipe/recipe.ts';
import type { Account } from './account.ts';
import { makeSquashfs } from './squashfs.ts';

/** Files of the part by the names that the original gives them. */
export const bspNames = {
  kernel: 'kernel.img',
  initramfs: 'pantavisor',
  modules: 'modules.squashfs',
  firmware: 'firmware.squashfs',
  earlyModules: 'modules.cpio.zst',
  rpi: 'pantavisor-rpi.img.gz',
} as const;

interface KernelFiles {
  image: string;
  release: string;
  modules: string | undefined;
  firmware: string | undefined;
  fdt: string | undefined;
  origin: string;
}

/** What comes from elsewhere: the initramfs, and the modules that it needs until the part's own are mounted. */
export interface BspMaterial {
  initramfs: { path: string; origin: string };
  /** Archive that the boot loader appends to the initramfs. */
  earlyModules: (kernel: { release: string; modules: string }) => Promise<string>;
}

async function kernelFiles({ kernel, architecture }: ImageRecipe, cache: DebianCache): Promise<KernelFiles> {
  if ('debian' in kernel) {
    const found = await debianKernel(architectures[architecture].debian, cache, kernel.debian);
    const { name, version, root } = found.package;
    // As `make modules_install` leaves them, without what depmod adds when the package is installed.
    const firmware = join(root, 'lib/firmware');
    return {
      ...found,
      firmware: existsSync(firmware) ? firmware : undefined,
      fdt: undefined,
      origin: `Debian ${name} ${version}`,
    };
  }
  return {
    image: kernel.image,
    release: kernel.modules === undefined ? '' : basename(kernel.modules),
    modules: kernel.modules,
    firmware: kernel.firmware,
    fdt: kernel.fdt,
    origin: 'the recipe’s kernel',
  };
}

/** A copy of the modules with depmod's index, which needs them below `lib/modules/<release>`. */
async function indexedModules(modules: string, release: string, work: string): Promise<string> {
  const target = join(work, 'lib/modules', release);
  await mkdir(join(work, 'lib/modules'), { recursive: true });
  await cp(modules, target, {
    recursive: true,
    // Links to the tree that the kernel was built in lead nowhere on a device.
    filter: (source) => !/\/(build|source)$/.test(source),
  });
  if (!(await readdir(target)).includes('modules.dep')) await runTool(['depmod', '-b', work, release], 'kmod');
  return target;
}

async function digest(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

/** A squashfs of a folder, kept by what is in it: the same modules are packed once. */
async function keptSquashfs(folder: string, cache: string, compression: 'best' | 'fast'): Promise<string> {
  const hash = createHash('sha256').update(compression);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const path of entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort())
    hash.update(`${path.slice(folder.length)}\0`).update(await readFile(path));
  await mkdir(cache, { recursive: true });
  const file = join(cache, `${hash.digest('hex').slice(0, 32)}.squashfs`);
  if (!existsSync(file)) {
    const temporary = `${file}.${process.pid}`;
    await makeSquashfs(folder, temporary, compression);
    await rename(temporary, file);
  }
  return file;
}

/**
 * Writes `bsp/` into a working tree.
 * @param target folder `bsp` of the working tree, created
 * @param products folder for squashfs images between builds
 * @throws Error when a file of the recipe is missing, a package cannot be fetched, or a tool fails
 */
export async function writeBsp(
  recipe: ImageRecipe,
  target: string,
  {
    debian,
    products,
    material,
    account,
    work,
  }: { debian: DebianCache; products: string; material: BspMaterial; account: Account; work: string },
): Promise<void> {
  const kernel = await kernelFiles(recipe, debian);
  await mkdir(target, { recursive: true });
  const put = async (name: string, source: string, origin: string, why: string) => {
    await copyFile(source, join(target, name)).catch((cause) => {
      throw new Error(`cannot read ${source}, ${why}: ${(cause as Error).message}`, { cause });
    });
    const { size } = await stat(source);
    account.add({ place: 'state', name: `bsp/${name}`, size, sha256: await digest(source), origin, why });
  };
  const early =
    kernel.modules === undefined
      ? undefined
      : await indexedModules(kernel.modules, kernel.release, join(work, 'kernel'));
  const addon =
    early === undefined ? undefined : await material.earlyModules({ release: kernel.release, modules: early });
  const rpi = recipe.loader === 'rpi';
  const run: Record<string, unknown> = {};
  if (rpi) {
    run.rpiab = bspNames.rpi;
    const image = join(work, bspNames.rpi);
    await writeFile(image, await rpiImage(recipe, kernel, material.initramfs.path, addon, work));
    await put(
      bspNames.rpi,
      image,
      kernel.origin,
      'image of a boot partition: kernel, initramfs, configuration, firmware of the board',
    );
  } else {
    Object.assign(run, { addons: [], initrd: bspNames.initramfs, linux: bspNames.kernel, initrd_config: '' });
    await put(
      bspNames.kernel,
      kernel.image,
      kernel.origin,
      `the kernel${kernel.release === '' ? '' : ` ${kernel.release}`}`,
    );
    await put(
      bspNames.initramfs,
      material.initramfs.path,
      material.initramfs.origin,
      'the initramfs: the runtime, LXC and tools',
    );
    if (kernel.fdt !== undefined) {
      run.fdt = basename(kernel.fdt);
      await put(basename(kernel.fdt), kernel.fdt, kernel.origin, 'the device tree');
    }
    if (addon !== undefined) {
      run.addons = [bspNames.earlyModules];
      await put(
        bspNames.earlyModules,
        addon,
        kernel.origin,
        'modules that are needed until the storage is mounted, appended to the initramfs',
      );
    }
  }
  if (early !== undefined) {
    // The board's kernels are several; each says which one its modules are for.
    const key = rpi ? `modules_${kernel.release}` : 'modules';
    const name = rpi ? `${key}.squashfs` : bspNames.modules;
    run[key] = name;
    const image = await keptSquashfs(early, products, recipe.compression);
    await put(name, image, kernel.origin, `all modules, mounted on /lib/modules/${kernel.release}`);
    await rm(join(work, 'kernel'), { recursive: true, force: true });
  }
  if (kernel.firmware !== undefined) {
    run.firmware = bspNames.firmware;
    const image = await keptSquashfs(kernel.firmware, products, recipe.compression);
    await put(bspNames.firmware, image, kernel.origin, 'firmware of devices, mounted on /lib/firmware');
  }
  await writeFile(join(target, 'run.json'), JSON.stringify(run));
  await writeFile(join(target, 'drivers.json'), JSON.stringify(driversJson(recipe)));
  await writeFile(join(target, 'src.json'), '{}');
}

/** A boot partition for Raspberry Pi's firmware, compressed. */
async function rpiImage(
  recipe: ImageRecipe,
  kernel: KernelFiles,
  initramfs: string,
  addon: string | undefined,
  work: string,
): Promise<Uint8Array> {
  const files = new Map<string, Uint8Array>([
    ['kernel.img', await readFile(kernel.image)],
    ['pantavisor', Buffer.concat([await readFile(initramfs), ...(addon === undefined ? [] : [await readFile(addon)])])],
    ['config.txt', Buffer.from(bootConfig)],
    ['cmdline.txt', Buffer.from(commandLine(recipe.arguments))],
  ]);
  if (kernel.fdt !== undefined) files.set(basename(kernel.fdt), await readFile(kernel.fdt));
  for (const [path, source] of Object.entries(recipe.boot.files)) files.set(path, await readFile(source));
  const file = join(work, 'rpiboot.img');
  const { size } = partitionOf(planDisk(recipe.name, recipe.loader, recipe.storage.size), 'boot_a');
  await makeFat({ file, size, label: 'PVBOOT', serial: serialOf(recipe.name, 'boot'), files });
  const image = gzipSync(await readFile(file), { level: recipe.compression === 'best' ? 9 : 1 });
  await rm(file);
  return image;
}

/** `#spec` and sections of lists by alias (state-format.md). */
function driversJson({ drivers }: ImageRecipe): Record<string, unknown> {
  return { '#spec': 'driver-aliases@1', ...drivers };
}
