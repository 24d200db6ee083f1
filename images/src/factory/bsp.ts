/** The board support part of a factory state: kernel, modules and firmware, initramfs with the runtime (build.md §3.2). */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { nearest } from '@pantavisor/cli';
import { type DebianCache, debianKernel } from '../debian/index.ts';
import { makeFat } from '../disk/fat.ts';
import { serialOf } from '../disk/identity.ts';
import { fixedTime, runTool } from '../disk/tool.ts';
import { fitImage } from '../loader/fit.ts';
import { partitionOf, planDisk } from '../loader/layout.ts';
import { bootConfig, commandLine } from '../loader/rpi.ts';
import { architectures } from '../recipe/architectures.ts';
import type { DeviceTrees, ImageRecipe } from '../recipe/recipe.ts';
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
  fit: 'pantavisor.fit',
} as const;

interface KernelFiles {
  image: string;
  release: string;
  modules: string | undefined;
  firmware: string | undefined;
  /** Files by the names that boot loaders call them. */
  trees: ReadonlyMap<string, string>;
  origin: string;
}

/** What comes from elsewhere: the initramfs, and the modules that it needs until the part's own are mounted. */
export interface BspMaterial {
  initramfs: { path: string; origin: string };
  /** Archive that the boot loader appends to the initramfs. */
  earlyModules: (kernel: { release: string; modules: string }) => Promise<string>;
}

/** Device trees of a kernel package. @throws Error that names what the package has instead */
async function debianTrees(wanted: DeviceTrees, folder: string, name: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const [tree, path] of Object.entries(wanted)) {
    const file = join(folder, path);
    if (!existsSync(file)) {
      const all = await readdir(folder, { recursive: true }).catch(() => []);
      const close = nearest(path, all);
      const hint = close.length > 0 ? `did you mean ${close.join(' or ')}?` : `it has ${all.length} others`;
      throw new Error(`cannot find the device tree ${path} (kernel.fdt) in the Debian package ${name}: ${hint}`);
    }
    found.set(tree, file);
  }
  return found;
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
      trees: await debianTrees(kernel.fdt ?? {}, join(root, 'usr/lib', `linux-image-${found.release}`), name),
      origin: `Debian ${name} ${version}`,
    };
  }
  return {
    image: kernel.image,
    release: kernel.modules === undefined ? '' : basename(kernel.modules),
    modules: kernel.modules,
    firmware: kernel.firmware,
    trees: new Map(Object.entries(kernel.fdt ?? {})),
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
    await mkdir(dirname(join(target, name)), { recursive: true });
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
  } else if (recipe.boot.fit !== undefined) {
    Object.assign(run, { addons: [], fit: bspNames.fit, initrd_config: '' });
    const file = join(work, bspNames.fit);
    await writeFile(
      file,
      await fitOf(recipe.architecture, recipe.boot.fit, kernel, await joined(material.initramfs.path, addon)),
    );
    await put(bspNames.fit, file, kernel.origin, 'a FIT: kernel, initramfs with early modules, device trees');
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
    for (const [name, source] of kernel.trees) {
      if (kernel.trees.size === 1) run.fdt = name;
      await put(name, source, kernel.origin, kernel.trees.size === 1 ? 'the device tree' : 'a device tree');
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

/** The initramfs and what boot loaders would append to it. */
async function joined(initramfs: string, addon: string | undefined): Promise<Buffer> {
  return Buffer.concat(
    await Promise.all([initramfs, ...(addon === undefined ? [] : [addon])].map((file) => readFile(file))),
  );
}

async function fitOf(
  architecture: ImageRecipe['architecture'],
  address: number,
  kernel: KernelFiles,
  initramfs: Uint8Array,
): Promise<Uint8Array> {
  const trees = new Map<string, Uint8Array>();
  for (const [name, source] of kernel.trees) trees.set(name, await readFile(source));
  return fitImage({
    architecture: architecture === 'armv7' ? 'armv7' : 'aarch64',
    kernel: await readFile(kernel.image),
    initramfs,
    trees,
    address,
    time: fixedTime,
  });
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
    ['pantavisor', await joined(initramfs, addon)],
    ['config.txt', Buffer.from(bootConfig)],
    ['cmdline.txt', Buffer.from(commandLine(recipe.arguments))],
  ]);
  for (const [name, source] of kernel.trees) files.set(basename(name), await readFile(source));
  for (const [path, source] of Object.entries(recipe.boot.files)) files.set(path, await readFile(source));
  const file = join(work, 'rpiboot.img');
  const { size } = partitionOf(planDisk(recipe), 'boot_a');
  await makeFat({ file, size, label: 'PVBOOT', serial: serialOf(recipe.name, 'boot'), files });
  const image = gzipSync(await readFile(file), { level: recipe.compression === 'best' ? 9 : 1 });
  await rm(file);
  return image;
}

/** `#spec` and sections of lists by alias (state-format.md). */
function driversJson({ drivers }: ImageRecipe): Record<string, unknown> {
  return { '#spec': 'driver-aliases@1', ...drivers };
}
