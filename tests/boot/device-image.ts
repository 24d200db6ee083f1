/** Devices in machines: kernel and initramfs as they are shipped, a storage disk with a revision, and the way to look into it afterwards. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { architectures } from '@pantavisor/images/images';
import { buildInitramfs, buildModuleAddon } from '@pantavisor/images/initramfs';
import type { MachineArchitecture, MachineConsole } from '@pantavisor/images/qemu';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { writeRevision } from '../harness/revision.ts';
import { debianCache, imageCache, joinInitrds } from './harness.ts';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const products = join(imageCache, 'test');

export interface BootFiles {
  kernel: string;
  /** Initramfs with the modules of the kernel. */
  initrd: string;
}

/** Builds the static executable, the initramfs and the modules of Debian's kernel, as far as they are not there. */
export async function bootFiles(machine: MachineArchitecture = 'x86_64'): Promise<BootFiles> {
  const { debian: architecture, executable: target } = architectures[machine];
  const argv = [join(checkout, 'apps/device/build-small.ts'), target];
  const executable = execFileSync(process.execPath, argv, { encoding: 'utf8' }).trim();
  const common = { architecture, packages: debianCache, folder: products, compression: 'fast' } as const;
  const initramfs = await buildInitramfs({ ...common, executable });
  const { path, kernel } = await buildModuleAddon(common);
  const initrd = join(products, `with-modules-${initramfs.path.replace(/^.*-/, '')}`);
  writeFileSync(`${initrd}.${process.pid}`, joinInitrds(initramfs.path, path));
  renameSync(`${initrd}.${process.pid}`, initrd);
  return { kernel: kernel.image, initrd };
}

/** Adds keys and objects to a state. */
export class StateEditor {
  readonly #objects: string;
  readonly state: Record<string, unknown>;
  /** For files on the way. */
  readonly folder: string;

  constructor(state: Record<string, unknown>, objects: string, folder: string) {
    this.state = state;
    this.#objects = objects;
    this.folder = folder;
  }

  json(key: string, value: unknown): void {
    this.state[key] = value;
  }

  /** Path of the object that a key names. */
  pathOf(key: string): string {
    return join(this.#objects, String(this.state[key]));
  }

  object(key: string, content: Uint8Array | string): void {
    const id = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(this.#objects, id), content);
    this.state[key] = id;
  }

  /** A board support part; kernel and initramfs are stand-ins, since QEMU brings its own. */
  board(images: Record<string, Record<string, string | Uint8Array>> = {}): void {
    const run: Record<string, unknown> = { addons: [], initrd: 'pantavisor', linux: 'kernel.img', initrd_config: '' };
    this.object('bsp/kernel.img', 'kernel');
    this.object('bsp/pantavisor', 'initramfs');
    for (const [name, files] of Object.entries(images)) {
      const tree = join(this.folder, `bsp-${name}`);
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(tree, path, '..'), { recursive: true });
        writeFileSync(join(tree, path), text);
      }
      execFileSync('mksquashfs', [
        tree,
        `${tree}.squashfs`,
        '-noappend',
        '-quiet',
        '-comp',
        'zstd',
        '-Xcompression-level',
        '3',
      ]);
      this.object(`bsp/${name}.squashfs`, readFileSync(`${tree}.squashfs`));
      run[name] = `${name}.squashfs`;
    }
    this.json('bsp/run.json', run);
  }
}

/**
 * Makes a storage disk, ext4 with the label `root`, on which a revision waits for its first boot.
 * @param recipe as for `writeRevision`
 * @returns path of the image
 */
export async function storageDisk(
  t: TestContext,
  recipe: Parameters<typeof writeRevision>[1],
  options: {
    megabytes?: number;
    files?: Record<string, string>;
    /** Changes the state before it is written. */
    edit?: (state: StateEditor) => void;
  } = {},
): Promise<string> {
  const directory = temporaryDirectory(t);
  const storage = join(directory, 'storage');
  const { state: path, objects } = await writeRevision(storage, recipe);
  const state = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  options.edit?.(new StateEditor(state, objects, directory));
  const files = {
    'boot/uboot.txt': 'pv_rev=0\0\0',
    'config/pantahub.config': '',
    'trails/0/.pvr/json': JSON.stringify(state),
    ...options.files,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(storage, path, '..'), { recursive: true });
    writeFileSync(join(storage, path), text);
  }
  const image = join(directory, 'storage.img');
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-L', 'root', '-d', storage, image, `${options.megabytes ?? 128}M`]);
  return image;
}

/** What e2fsck finds without changing anything; fails when the file system is not sound. */
export function assertSound(image: string): void {
  execFileSync('e2fsck', ['-f', '-n', image], { stdio: 'pipe' });
}

/** Content of a file in a storage image that is not in use. */
export function readStorage(image: string, path: string): string {
  return execFileSync('debugfs', ['-R', `cat /${path}`, image], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Fails when the console does not show the pattern, with its last words, which are the ones that matter. */
export function assertShown(console: MachineConsole, pattern: RegExp): void {
  if (!pattern.test(console.text)) throw new Error(`${pattern} is not on the console: ${console.text.slice(-3000)}`);
}
