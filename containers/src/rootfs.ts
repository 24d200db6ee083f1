/** A root file system as a list of entries, before it becomes an image: skeleton, busybox, packages, then the recipe's own files. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageFiles } from './debian.ts';
import type { RootfsRecipe } from './recipe.ts';

export type RootfsEntry =
  | { kind: 'directory'; mode: number }
  | { kind: 'link'; target: string }
  | { kind: 'file'; mode: number; content: Uint8Array };

/** Entries by path relative to the root, without a leading slash, sorted by path. */
export type Rootfs = Map<string, RootfsEntry>;

const busybox = '/bin/busybox';

const directories = ['dev', 'etc', 'lib', 'mnt', 'proc', 'root', 'run', 'sys', 'tmp', 'usr/bin', 'usr/lib', 'var'];

/**
 * One directory of programs, whatever path a program or script was written for. Libraries stay where their programs look for them: `/lib`
 * has to be a directory, since LXC refuses to mount anything on a path that goes through a symbolic link, and the runtime mounts
 * `/lib/modules` and `/lib/firmware`.
 */
const links: Record<string, string> = { bin: 'usr/bin', sbin: 'usr/bin', 'usr/sbin': 'bin', 'var/run': '../run' };

const skeletonFiles: Record<string, string> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  'etc/resolv.conf': '',
};

/** Path after following the skeleton's directory links, so that `/sbin/init` and `/usr/bin/init` are one entry. */
function canonical(path: string): string {
  return path.replace(/^\/+/, '').replace(/^(usr\/sbin|bin|sbin)\//, 'usr/bin/');
}

function addParents(entries: Rootfs, path: string): void {
  for (let cut = path.indexOf('/'); cut > 0; cut = path.indexOf('/', cut + 1)) {
    const parent = path.slice(0, cut);
    if (!entries.has(parent)) entries.set(parent, { kind: 'directory', mode: 0o755 });
  }
}

function addFromDisk(entries: Rootfs, source: string, path: string): void {
  const target = canonical(path);
  addParents(entries, target);
  const status = lstatSync(source);
  if (status.isSymbolicLink()) entries.set(target, { kind: 'link', target: readlinkSync(source) });
  else if (status.isDirectory()) entries.set(target, { kind: 'directory', mode: 0o755 });
  else {
    const mode = (statSync(source).mode & 0o111) === 0 ? 0o644 : 0o755;
    entries.set(target, { kind: 'file', mode, content: readFileSync(source) });
  }
}

function addTree(entries: Rootfs, tree: string): void {
  for (const entry of readdirSync(tree, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const source = join(entry.parentPath, entry.name);
    addFromDisk(entries, source, source.slice(tree.length));
  }
}

function addBusybox(entries: Rootfs, applets: string[]): void {
  entries.set('usr/bin/busybox', { kind: 'file', mode: 0o755, content: readFileSync(busybox) });
  for (const applet of applets) {
    if (applet !== 'busybox') entries.set(`usr/bin/${applet}`, { kind: 'link', target: 'busybox' });
  }
}

/**
 * Collects a root file system: the skeleton with busybox for every applet of `applets`, then packages, trees and files of the recipe.
 * Owners, times and permissions other than the executable bit are not taken over, so that the same files make the same image anywhere.
 * @throws when a package, tree or busybox is not installed
 */
export function collectRootfs(recipe: RootfsRecipe, applets: string[]): Rootfs {
  const entries: Rootfs = new Map();
  for (const path of directories) {
    addParents(entries, path);
    entries.set(path, { kind: 'directory', mode: path === 'tmp' ? 0o1777 : 0o755 });
  }
  for (const [path, target] of Object.entries(links)) entries.set(path, { kind: 'link', target });
  const encoder = new TextEncoder();
  for (const [path, text] of Object.entries(skeletonFiles)) {
    entries.set(path, { kind: 'file', mode: 0o644, content: encoder.encode(text) });
  }
  addBusybox(entries, applets);
  for (const { source, path } of packageFiles(recipe.packages ?? [])) addFromDisk(entries, source, path);
  for (const tree of recipe.trees ?? []) addTree(entries, tree);
  for (const [path, { text, executable }] of Object.entries(recipe.files ?? {})) {
    const target = canonical(path);
    addParents(entries, target);
    entries.set(target, { kind: 'file', mode: executable ? 0o755 : 0o644, content: encoder.encode(text) });
  }
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** SHA-256 over everything that decides the content of an image, 64 hex digits. */
export function digestRootfs(entries: Rootfs): string {
  const hash = createHash('sha256');
  for (const [path, entry] of entries) {
    if (entry.kind === 'file') {
      hash.update(`f ${entry.mode} ${entry.content.length} ${JSON.stringify(path)}\n`).update(entry.content);
    } else if (entry.kind === 'link') hash.update(`l ${JSON.stringify([path, entry.target])}\n`);
    else hash.update(`d ${entry.mode} ${JSON.stringify(path)}\n`);
  }
  return hash.digest('hex');
}
