/**
 * A root file system in memory: names and what they are, the contents staying where they came from. Layers are laid over
 * each other here and never on a disk, so no archive can reach out of it, and nothing needs root.
 */
import { Failure } from '@pantavisor/cli';

/** Where the bytes of a file are. */
export interface Content {
  path: string;
  offset: number;
}

/** What one or more names stand for; names that share it are hard links. */
export interface Inode {
  type: 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo';
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since 1970. */
  mtime: number;
  size: number;
  content?: Content;
  /** Of a symbolic link, as it stands in the archive. */
  target?: string;
  major?: number;
  minor?: number;
  /** Extended attributes by name. */
  attributes?: ReadonlyMap<string, string>;
}

export interface Entry {
  inode: Inode;
  /** Of a directory. */
  children?: Map<string, Entry>;
}

const linkLimit = 40;

export const directoryInode = (mode = 0o755): Inode => ({ type: 'directory', mode, uid: 0, gid: 0, mtime: 0, size: 0 });

/**
 * Cuts a name of an archive into components, relative to the root.
 * @throws Failure `archive-escapes` for a name with `..`
 */
export function componentsOf(name: string): string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..'))
    throw new Failure('archive-escapes', `cannot unpack ${JSON.stringify(name)}: the name climbs out with ".."`, {
      exitCode: 3,
    });
  if (name.includes('\0'))
    throw new Failure('archive-escapes', `cannot unpack ${JSON.stringify(name)}: the name holds a NUL`, {
      exitCode: 3,
    });
  return parts;
}

export class RootTree {
  readonly root: Entry = { inode: directoryInode(), children: new Map() };

  /** The entry of a name, without following links at its end; links on the way are followed inside of the tree. */
  find(name: string): Entry | undefined {
    const parts = componentsOf(name);
    const last = parts.pop();
    if (last === undefined) return this.root;
    return this.#directory(parts, false)?.children?.get(last);
  }

  /** Puts an entry in its place. A directory over a directory keeps what is in it; everything else replaces. */
  put(name: string, inode: Inode): void {
    const parts = componentsOf(name);
    const last = parts.pop();
    if (last === undefined) {
      if (inode.type === 'directory') this.root.inode = inode;
      return;
    }
    const children = this.#directory(parts, true)!.children!;
    const old = children.get(last);
    if (inode.type !== 'directory') children.set(last, { inode });
    else if (old?.children) old.inode = inode;
    else children.set(last, { inode, children: new Map() });
  }

  /** Gives an entry a second name. @throws Failure `archive-link` when there is nothing to link to */
  link(name: string, target: string): void {
    const found = this.find(target);
    if (!found || found.children)
      throw new Failure(
        'archive-link',
        `cannot unpack the hard link ${name}: there is no file ${target} in the image`,
        { exitCode: 3 },
      );
    this.put(name, found.inode);
  }

  remove(name: string): void {
    const parts = componentsOf(name);
    const last = parts.pop();
    if (last !== undefined) this.#directory(parts, false)?.children?.delete(last);
  }

  /** Empties a directory. */
  clear(name: string): void {
    this.#directory(componentsOf(name), false)?.children?.clear();
  }

  /** Makes directories that are missing. */
  ensureDirectory(name: string): void {
    this.#directory(componentsOf(name), true);
  }

  /** All names with their entries, parents first, sorted; the root itself is not among them. */
  *entries(): Generator<[string, Entry]> {
    yield* walk('', this.root);
  }

  #directory(parts: readonly string[], make: boolean): Entry | undefined {
    const pending = [...parts];
    const trail: Entry[] = [this.root];
    let links = 0;
    for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
      if (part === '..') {
        if (trail.length > 1) trail.pop();
        continue;
      }
      const { children } = trail.at(-1)!;
      let next = children!.get(part);
      if (next?.inode.type === 'symlink') {
        links += 1;
        if (links > linkLimit)
          throw new Failure('archive-link', `cannot unpack below ${parts.join('/')}: its links run in a circle`, {
            exitCode: 3,
          });
        const target = next.inode.target ?? '';
        // As the kernel would resolve it with this tree as the root of everything.
        if (target.startsWith('/')) trail.length = 1;
        pending.unshift(...target.split('/').filter((piece) => piece !== '' && piece !== '.'));
        continue;
      }
      if (!next?.children) {
        if (!make) return undefined;
        next = { inode: directoryInode(), children: new Map() };
        children!.set(part, next);
      }
      trail.push(next);
    }
    return trail.at(-1);
  }
}

function* walk(prefix: string, directory: Entry): Generator<[string, Entry]> {
  for (const [name, entry] of [...directory.children!].sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield [prefix + name, entry];
    if (entry.children) yield* walk(`${prefix}${name}/`, entry);
  }
}
