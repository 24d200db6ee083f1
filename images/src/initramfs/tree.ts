/** The files of an initramfs, put together from Debian packages and the runtime's executable, each with where it comes from. */
import { readFile, readlink, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CpioEntry } from '../archive/cpio.ts';
import type { DebianArchitecture, DebianCache, DebianPackage } from '../debian/packages.ts';
import { debianPackages } from '../debian/packages.ts';
import {
  applets,
  configuration,
  directories,
  files,
  libraries,
  links,
  programs,
  scripts,
  tools,
  tripletMark,
} from './contents.ts';
import { elfNeeds } from './elf.ts';

/** One entry with the reason for it. */
export interface InitramfsFile {
  entry: CpioEntry;
  /** `<package> <version>`, or `pantavisor`. */
  origin: string;
  why: string;
}

export type InitramfsTree = Map<string, InitramfsFile>;

export interface TreeRequest {
  architecture: DebianArchitecture;
  cache: DebianCache;
  /** The static executable of the runtime. */
  executable: string;
  /** Keys of /etc/pantavisor.config that are added or differ. */
  configuration: Readonly<Record<string, string>>;
  /** More files by path, e.g. of a board. */
  files: ReadonlyMap<string, CpioEntry>;
}

const triplets: Record<DebianArchitecture, string> = {
  amd64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
  armhf: 'arm-linux-gnueabihf',
};
const encoder = new TextEncoder();
const textFile = (text: string, mode = 0o644): CpioEntry => ({ kind: 'file', mode, content: encoder.encode(text) });

/**
 * Puts the tree together.
 * @throws Error when a package, a program or a library is missing
 */
export async function initramfsTree(request: TreeRequest): Promise<InitramfsTree> {
  const { architecture, cache, executable } = request;
  const names = [...programs.map((ingredient) => ingredient.package), ...libraries];
  const packages = new Map((await debianPackages(names, architecture, cache)).map((found) => [found.name, found]));
  const tree: InitramfsTree = new Map();
  const own = (path: string, entry: CpioEntry, why: string) => tree.set(path, { entry, origin: 'pantavisor', why });

  for (const [path, mode] of Object.entries(directories))
    own(path, { kind: 'directory', mode }, 'mount point or place for files');
  for (const [path, target] of Object.entries(links)) own(path, { kind: 'link', target }, 'usual name');
  for (const [path, text] of Object.entries(files)) own(path, textFile(text), 'configuration');
  for (const [path, text] of Object.entries(scripts))
    own(path, textFile(text, 0o755), 'says in the log which program crashed');
  own('etc/pantavisor.config', textFile(configurationText(request.configuration)), 'configuration');
  own(
    'dev/console',
    { kind: 'character-device', mode: 0o600, major: 5, minor: 1 },
    'the kernel opens it before anything is mounted',
  );
  own(
    'usr/bin/pantavisor',
    { kind: 'file', mode: 0o755, content: await readFile(executable) },
    'PID 1, the runtime, and its tools',
  );
  for (const tool of tools)
    own(`usr/bin/${tool}`, { kind: 'link', target: 'pantavisor' }, 'tool in the same executable');

  const needed = new Set<string>();
  for (const ingredient of programs) {
    const from = packageOf(packages, ingredient.package);
    for (const file of ingredient.files) {
      const path = file.replace(tripletMark, triplets[architecture]);
      await take(tree, from, path, path, ingredient.why, needed);
    }
  }
  for (const [directory, list] of Object.entries(applets))
    for (const applet of list) {
      const origin = tree.get('bin/busybox')?.origin ?? '';
      const target = `${'../'.repeat(directory.split('/').length)}bin/busybox`;
      tree.set(`${directory}/${applet}`, { entry: { kind: 'link', target }, origin, why: 'applet' });
    }
  await takeLibraries(tree, [...packages.values()], triplets[architecture], needed);
  for (const [path, entry] of request.files) own(path, entry, 'added by the recipe');
  return tree;
}

function configurationText(changes: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ ...configuration, ...changes }).map(([key, value]) => `${key}=${value}`);
  return `${lines.join('\n')}\n`;
}

function packageOf(packages: ReadonlyMap<string, DebianPackage>, name: string): DebianPackage {
  const found = packages.get(name);
  if (found === undefined) throw new Error(`cannot find the Debian package ${name}`);
  return found;
}

/** Puts one file of a package into the tree and notes what it needs. */
async function take(
  tree: InitramfsTree,
  from: DebianPackage,
  source: string,
  path: string,
  why: string,
  needed: Set<string>,
): Promise<void> {
  const file = await realpath(join(from.root, source)).catch(() => {
    throw new Error(`cannot find ${source} in the Debian package ${from.name} ${from.version}`);
  });
  const content = await readFile(file);
  const mode = ((await stat(file)).mode & 0o111) === 0 ? 0o644 : 0o755;
  tree.set(path, { entry: { kind: 'file', mode, content }, origin: `${from.name} ${from.version}`, why });
  const needs = await elfNeeds(file, content);
  // The loader is named as a library, too, by the C library.
  for (const library of needs?.libraries ?? []) if (!library.startsWith('ld-linux')) needed.add(library);
  if (needs?.loader !== undefined) needed.add(needs.loader);
}

/** Where libraries lie in Debian's packages, by the name that programs ask for. */
async function takeLibraries(
  tree: InitramfsTree,
  packages: readonly DebianPackage[],
  triplet: string,
  needed: Set<string>,
): Promise<void> {
  const places = [`lib/${triplet}`, `usr/lib/${triplet}`];
  // Grows while it is walked through: libraries need libraries.
  for (const name of needed) {
    const isLoader = name.startsWith('/');
    const wanted = isLoader ? basename(name) : name;
    const target = isLoader ? name.slice(1) : `usr/lib/${triplet}/${name}`;
    if (tree.has(target)) continue;
    const found = await findLibrary(packages, places, wanted);
    if (found === undefined) throw new Error(`cannot find the library ${wanted} in the packages of the initramfs`);
    await take(tree, found.from, found.path, target, 'library', needed);
  }
}

async function findLibrary(
  packages: readonly DebianPackage[],
  places: readonly string[],
  name: string,
): Promise<{ from: DebianPackage; path: string } | undefined> {
  for (const from of packages)
    for (const place of places) {
      const path = `${place}/${name}`;
      const exists = await stat(join(from.root, path)).then(
        () => true,
        () =>
          readlink(join(from.root, path)).then(
            () => true,
            () => false,
          ),
      );
      if (exists) return { from, path };
    }
  return undefined;
}
