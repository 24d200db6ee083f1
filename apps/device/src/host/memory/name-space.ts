/** The mount table of the simulated machine, and the walk from a path to an inode through symbolic links and mounts. */
import { HostError, type MountEntry, type MountFlag } from '../ports.ts';
import { FileSystem, type Inode } from './file-system.ts';

export interface Mount {
  readonly id: number;
  readonly fileSystem: FileSystem;
  readonly root: Inode;
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly flags: Set<MountFlag>;
  /** Where it is mounted; absent for the root of all. */
  readonly point?: { mount: Mount; inode: Inode };
}

/** Result of a walk: where the last name lives, and what it leads to if anything. */
export interface Place {
  mount: Mount;
  directory: Inode;
  name: string;
  /** Absent when the last name does not exist. `at` differs from `mount` when something is mounted there. */
  found?: { mount: Mount; inode: Inode };
  /** Path without symbolic links. */
  path: string;
}

interface Step {
  mount: Mount;
  inode: Inode;
  name: string;
}

const maxLinks = 40;
const maxName = 255;

export class NameSpace {
  readonly #mounts: Mount[] = [];
  /** Inodes that something is mounted on, so that most steps of a walk need not look at the table. */
  #points = new Set<Inode | undefined>();
  #nextMount = 1;
  #nextDevice = 32;

  constructor(root: FileSystem) {
    this.#mounts.push({
      id: this.#nextMount,
      fileSystem: root,
      root: root.root,
      source: '/dev/root',
      target: '/',
      type: root.options.type,
      flags: new Set(),
    });
  }

  /**
   * Walks a path.
   * @param operation named in errors
   * @param follow whether a symbolic link at the end is followed
   */
  walk(path: string, operation: string, follow: boolean): Place {
    const fail = (code: string): never => {
      throw new HostError(code, operation, path);
    };
    if (!path.startsWith('/')) fail('EINVAL');
    if (path.includes('\0')) fail('EINVAL');
    const todo = path.split('/').filter((name) => name !== '');
    const root = this.#over(this.#first(), this.#first().root);
    const steps: Step[] = [{ ...root, name: '' }];
    let links = 0;
    let place: Omit<Place, 'path'> = { mount: root.mount, directory: root.inode, name: '', found: root };
    while (todo.length > 0) {
      const name = todo.shift() ?? '';
      const here = steps.at(-1) ?? { ...root, name: '' };
      if (here.inode.kind !== 'directory') fail('ENOTDIR');
      if (name === '.') continue;
      if (name === '..') {
        if (steps.length > 1) steps.pop();
        const up = steps.at(-1) ?? here;
        place = { mount: up.mount, directory: up.inode, name: '', found: up };
        continue;
      }
      if (name.length > maxName) fail('ENAMETOOLONG');
      const child = here.mount.fileSystem.child(here.inode, name);
      if (child === undefined) {
        if (todo.length > 0) fail('ENOENT');
        return {
          mount: here.mount,
          directory: here.inode,
          name,
          path: pathOf([...steps, { ...here, name }]),
        };
      }
      if (child.kind === 'symlink' && (follow || todo.length > 0)) {
        links += 1;
        if (links > maxLinks) fail('ELOOP');
        todo.unshift(...child.target.split('/').filter((part) => part !== ''));
        if (child.target.startsWith('/')) steps.length = 1;
        const base = steps.at(-1) ?? here;
        place = { mount: base.mount, directory: base.inode, name: '', found: base };
        continue;
      }
      const found = this.#over(here.mount, child);
      steps.push({ ...found, name });
      place = { mount: here.mount, directory: here.inode, name, found };
    }
    if (path.endsWith('/') && place.found?.inode.kind !== 'directory') fail('ENOTDIR');
    return { ...place, path: pathOf(steps) };
  }

  /** Walks to something that is there; ENOENT otherwise. */
  find(path: string, operation: string, follow = true): { mount: Mount; inode: Inode; path: string } {
    const place = this.walk(path, operation, follow);
    if (place.found === undefined) throw new HostError('ENOENT', operation, path);
    return { ...place.found, path: place.path };
  }

  /** Mounts the tree below `root` of a file system on an existing path. */
  attach(request: {
    fileSystem: FileSystem;
    root: Inode;
    source: string;
    target: string;
    flags: MountFlag[];
    type?: string;
  }): Mount {
    const at = this.find(request.target, 'mount');
    if ((request.root.kind === 'directory') !== (at.inode.kind === 'directory'))
      throw new HostError('ENOTDIR', 'mount', request.target);
    this.#nextMount += 1;
    const mount: Mount = {
      id: this.#nextMount,
      fileSystem: request.fileSystem,
      root: request.root,
      source: request.source,
      target: at.path,
      type: request.type ?? request.fileSystem.options.type,
      flags: new Set(request.flags),
      point: { mount: at.mount, inode: at.inode },
    };
    this.#mounts.push(mount);
    this.#points.add(mount.point?.inode);
    return mount;
  }

  /** A new empty file system that lives as long as its mount. */
  volatileFileSystem(type: string, now: number, capacity = 64 * 1024 * 1024): FileSystem {
    this.#nextDevice += 1;
    return new FileSystem({ type, device: `0:${this.#nextDevice}`, capacity, persistent: false }, now);
  }

  /** The mount whose root the path leads to, topmost first; undefined when the path is no mount point. */
  mountAt(path: string, operation: string): Mount | undefined {
    const at = this.find(path, operation, false);
    return this.#mounts.find((mount) => mount === at.mount && mount.root === at.inode && mount.target === at.path);
  }

  childrenOf(mount: Mount): Mount[] {
    return this.#mounts.filter((other) => other.point?.mount === mount);
  }

  /** Takes a mount and all below it out of the table. */
  detach(mount: Mount): void {
    for (const child of this.childrenOf(mount)) this.detach(child);
    this.#mounts.splice(this.#mounts.indexOf(mount), 1);
    this.#points = new Set(this.#mounts.map(({ point }) => point?.inode));
  }

  list(): MountEntry[] {
    return this.#mounts.map(({ source, target, type, fileSystem }) => ({
      source,
      target,
      type,
      device: fileSystem.options.device,
    }));
  }

  #first(): Mount {
    const first = this.#mounts[0];
    if (first === undefined) throw new HostError('ENOENT', 'find root mount');
    return first;
  }

  /** What is really seen at an inode: the root of whatever is mounted there. */
  #over(mount: Mount, inode: Inode): { mount: Mount; inode: Inode } {
    if (!this.#points.has(inode)) return { mount, inode };
    const above = this.#mounts.findLast((other) => other.point?.mount === mount && other.point.inode === inode);
    return above === undefined ? { mount, inode } : this.#over(above, above.root);
  }
}

function pathOf(steps: readonly Step[]): string {
  const path = steps.map(({ name }) => name).join('/');
  return path === '' ? '/' : path;
}
