/** Kernel modules with what they depend on, as depmod finds it out (modules.dep(5)). */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Of what depmod prints, in bytes; some MiB for a kernel with everything. */
const mostOutput = 256 * 1024 * 1024;

export interface ModuleIndex {
  /** Paths below `lib/modules/<release>` by name of the module, which has `_` where the file may have `-`. */
  paths: ReadonlyMap<string, string>;
  /** Paths that a module needs, by its path; in the order of the index, the last one to be loaded first. */
  dependencies: ReadonlyMap<string, readonly string[]>;
  /** Names of modules that are to be loaded before a module, by its name, as far as they are there. */
  wishes: ReadonlyMap<string, readonly string[]>;
  /** Names of what is part of the kernel itself. */
  builtIn: ReadonlySet<string>;
}

/** Name of a module by its file: `virtio-rng.ko.xz` is `virtio_rng`. */
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}

const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');

/**
 * Reads what depmod prints, and `modules.builtin`.
 * @param printed lines of modules.dep and modules.softdep; others are passed over
 */
export function parseModuleIndex(printed: string, builtin: string): ModuleIndex {
  const paths = new Map<string, string>();
  const dependencies = new Map<string, string[]>();
  const wishes = new Map<string, string[]>();
  for (const line of printed.split('\n')) {
    const [, path, needed = ''] = /^([^\s:]+\.ko(?:\.\w+)?):(.*)$/.exec(line) ?? [];
    if (path !== undefined) {
      paths.set(moduleName(path), path);
      dependencies.set(path, words(needed));
    }
    const [, name, wanted = ''] = /^softdep (\S+) (.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      const others = words(wanted.replace(/\b(pre|post):/g, '')).map(moduleName);
      wishes.set(moduleName(name), [...(wishes.get(moduleName(name)) ?? []), ...others]);
    }
  }
  return { paths, dependencies, wishes, builtIn: new Set(words(builtin).map(moduleName)) };
}

/**
 * Gives the index of a kernel's modules, whether or not somebody has run depmod on them; nothing is written beside them.
 * @param release as `uname -r` prints it
 * @param folder `lib/modules/<release>` of the kernel
 * @throws Error when depmod (Debian package kmod) is missing or fails
 */
export async function moduleIndex(release: string, folder: string): Promise<ModuleIndex> {
  const work = await mkdtemp(join(tmpdir(), 'pv-modules-'));
  try {
    await mkdir(join(work, 'lib/modules'), { recursive: true });
    await symlink(resolve(folder), join(work, 'lib/modules', release));
    const { stdout } = await run('depmod', ['-n', '-b', work, release], { maxBuffer: mostOutput });
    return parseModuleIndex(stdout, await readFile(join(folder, 'modules.builtin'), 'utf8').catch(() => ''));
  } catch (cause) {
    throw new Error(`cannot list the modules of ${release}: ${(cause as Error).message}`, { cause });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Paths of modules with everything they need, each once, in an order in which insmod can load them.
 * @param names of modules; what is built in needs nothing
 * @param absent `error`, or `skip` what the kernel does not have
 * @throws Error that names every module that the kernel does not have
 */
export function modulesWithDependencies(
  index: ModuleIndex,
  names: readonly string[],
  absent: 'error' | 'skip' = 'error',
): string[] {
  const found = new Set<string>();
  const unknown: string[] = [];
  const add = (name: string, above: readonly string[]): boolean => {
    const path = index.paths.get(name);
    if (path === undefined) return index.builtIn.has(name);
    if (found.has(path) || above.includes(name)) return true;
    const needed = [...(index.dependencies.get(path) ?? [])].reverse().map(moduleName);
    for (const other of [...(index.wishes.get(name) ?? []), ...needed]) add(other, [...above, name]);
    found.add(path);
    return true;
  };
  for (const wanted of names) if (!add(moduleName(wanted), [])) unknown.push(wanted);
  if (unknown.length > 0 && absent === 'error')
    throw new Error(`cannot find these modules of the kernel: ${unknown.join(', ')}`);
  return [...found];
}
