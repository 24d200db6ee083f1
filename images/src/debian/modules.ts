/** Kernel modules with what they depend on, from the index that depmod writes (modules.dep(5)). */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { DebianKernel } from './kernel.ts';

const run = promisify(execFile);

export interface ModuleIndex {
  /** Paths below `lib/modules/<release>` by name of the module, which has `_` where the file may have `-`. */
  paths: ReadonlyMap<string, string>;
  /** Paths that a module needs, by its path; in the order of the index, the last one to be loaded first. */
  dependencies: ReadonlyMap<string, readonly string[]>;
  /** Names of what is part of the kernel itself. */
  builtIn: ReadonlySet<string>;
}

/** Name of a module by its file: `virtio-rng.ko.xz` is `virtio_rng`. */
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}

/** Reads `modules.dep` and `modules.builtin`. */
export function parseModuleIndex(dep: string, builtin: string): ModuleIndex {
  const paths = new Map<string, string>();
  const dependencies = new Map<string, string[]>();
  for (const line of dep.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const path = line.slice(0, colon);
    paths.set(moduleName(path), path);
    dependencies.set(
      path,
      line
        .slice(colon + 1)
        .split(' ')
        .filter((word) => word !== ''),
    );
  }
  const builtIn = new Set(
    builtin
      .split('\n')
      .filter((line) => line !== '')
      .map(moduleName),
  );
  return { paths, dependencies, builtIn };
}

/**
 * Gives the index of a kernel's modules; the first time, depmod writes it.
 * @throws Error when depmod (Debian package kmod) is missing or fails
 */
export async function moduleIndex(kernel: DebianKernel): Promise<ModuleIndex> {
  const path = join(kernel.modules, 'modules.dep');
  if (!existsSync(path)) {
    try {
      await run('depmod', ['-b', kernel.package.root, kernel.release]);
    } catch (cause) {
      throw new Error(`cannot list the modules of ${kernel.release}: ${(cause as Error).message}`, { cause });
    }
  }
  return parseModuleIndex(
    await readFile(path, 'utf8'),
    await readFile(join(kernel.modules, 'modules.builtin'), 'utf8'),
  );
}

/**
 * Paths of modules with everything they need, each once, in an order in which insmod can load them.
 * @param names of modules; what is built in needs nothing
 * @throws Error that names every module that the kernel does not have
 */
export function modulesWithDependencies(index: ModuleIndex, names: readonly string[]): string[] {
  const found = new Set<string>();
  const unknown: string[] = [];
  for (const wanted of names) {
    const name = wanted.replaceAll('-', '_');
    const path = index.paths.get(name);
    if (path === undefined) {
      if (!index.builtIn.has(name)) unknown.push(wanted);
      continue;
    }
    for (const needed of [...(index.dependencies.get(path) ?? [])].reverse()) found.add(needed);
    found.add(path);
  }
  if (unknown.length > 0) throw new Error(`cannot find these modules of the kernel: ${unknown.join(', ')}`);
  return [...found];
}
