/**
 * The control groups of processes, by what the kernel says about them: names cannot tell, since LXC takes `NAME-1` when an old
 * `NAME` is left over. Serves v1, v2, and both at once (hybrid) - cgroups(7).
 */
import { parseMountInfo } from '../mount-info.ts';
import { type Files, HostError } from '../ports.ts';
import { readProc } from './proc.ts';

/** A mounted hierarchy: v1 with its controllers (or `name=…`), v2 with none. */
interface Hierarchy {
  version: 1 | 2;
  controllers: string[];
  mountPoint: string;
  /** What of the hierarchy is mounted there; `/` outside of a control group namespace. */
  root: string;
}

/** Pauses between attempts to remove a group whose last process is still on its way out, in milliseconds. */
const pauses = [10, 40, 150, 400, 1000];

const isCode = (error: unknown, ...codes: string[]) => error instanceof HostError && codes.includes(error.code);

export class ControlGroups {
  readonly #files: Files;
  readonly #pause: (milliseconds: number) => Promise<void>;
  #hierarchies: Promise<Hierarchy[]> | undefined;

  constructor(files: Files, pause: (milliseconds: number) => Promise<void>) {
    this.#files = files;
    this.#pause = pause;
  }

  /** They are mounted once, at boot; before that there is no container either. */
  #known(): Promise<Hierarchy[]> {
    this.#hierarchies ??= this.#files.readText('/proc/self/mountinfo').then((text) => {
      const found = parseMountInfo(text).filter(({ type }) => type === 'cgroup' || type === 'cgroup2');
      if (found.length === 0) this.#hierarchies = undefined;
      return found.map(({ type, target, root, superOptions }) => ({
        version: type === 'cgroup2' ? 2 : 1,
        controllers: type === 'cgroup2' ? [] : superOptions.split(','),
        mountPoint: target,
        root,
      }));
    });
    return this.#hierarchies;
  }

  /** Directories of all groups that a process is in, without the roots; none when it has gone. */
  async of(pid: number | 'self'): Promise<string[]> {
    const hierarchies = await this.#known();
    const directories = new Set<string>();
    for (const line of ((await readProc(this.#files, `/proc/${pid}/cgroup`)) ?? '').split('\n')) {
      if (line === '') continue;
      const [, controllers = '', ...rest] = line.split(':');
      const path = rest.join(':');
      const directory = directoryOf(hierarchies, controllers === '' ? [] : controllers.split(','), path);
      if (directory !== undefined && path !== '/') directories.add(directory);
    }
    return [...directories];
  }

  /** Bytes of memory that the processes of these groups use; undefined when no memory controller watches them. */
  async memoryOf(directories: readonly string[]): Promise<number | undefined> {
    for (const directory of directories)
      for (const file of ['memory.current', 'memory.usage_in_bytes']) {
        try {
          return Number(await this.#files.readText(`${directory}/${file}`));
        } catch (error) {
          if (!isCode(error, 'ENOENT', 'ENODEV')) throw error;
        }
      }
    return undefined;
  }

  /** Numbers of all processes in these groups and those below them. */
  async processesOf(directories: readonly string[]): Promise<Set<number>> {
    const pids = new Set<number>();
    for (const directory of directories) {
      for (const child of await this.#below(directory))
        for (const pid of await this.processesOf([child])) pids.add(pid);
      try {
        const text = await this.#files.readText(`${directory}/cgroup.procs`);
        for (const line of text.split('\n')) if (line !== '') pids.add(Number(line));
      } catch (error) {
        if (!isCode(error, 'ENOENT', 'ENODEV', 'EOPNOTSUPP')) throw error;
      }
    }
    return pids;
  }

  /**
   * Removes a group and the groups below it from every hierarchy, as far as no process is in them; nothing there is fine. Waits a little
   * for processes that are just ending.
   * @param group path below the roots of the hierarchies, or below this process's own groups (`lxc.cgroup.relative`)
   */
  async remove(group: string): Promise<void> {
    const parts = group.split('/');
    if (group === '' || parts.includes('') || parts.includes('.') || parts.includes('..'))
      throw new HostError('EINVAL', 'remove control group', group, 'it must be a relative path without . and ..');
    const tops = new Set([...(await this.#known()).map(({ mountPoint }) => mountPoint), ...(await this.of('self'))]);
    let remaining = await this.#notRemoved([...tops].map((top) => `${top}/${group}`));
    for (const ms of pauses) {
      if (remaining.length === 0 || (await this.processesOf(remaining)).size > 0) return;
      await this.#pause(ms);
      remaining = await this.#notRemoved(remaining);
    }
  }

  async #notRemoved(directories: string[]): Promise<string[]> {
    const remaining: string[] = [];
    for (const directory of directories) if (!(await this.#removeTree(directory))) remaining.push(directory);
    return remaining;
  }

  /** True when it is gone. */
  async #removeTree(directory: string): Promise<boolean> {
    for (let round = 0; round < 2; round += 1) {
      try {
        await this.#files.removeDirectory(directory);
        return true;
      } catch (error) {
        if (isCode(error, 'ENOENT')) return true;
        if (!isCode(error, 'EBUSY', 'ENOTEMPTY')) throw error;
      }
      const children = await this.#below(directory);
      if (round > 0 || children.length === 0) return false;
      for (const child of children) await this.#removeTree(child);
    }
    return false;
  }

  async #below(directory: string): Promise<string[]> {
    try {
      const entries = await this.#files.list(directory);
      return entries.filter(({ kind }) => kind === 'directory').map(({ name }) => `${directory}/${name}`);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return [];
      throw error;
    }
  }
}

function directoryOf(hierarchies: readonly Hierarchy[], controllers: string[], path: string): string | undefined {
  const version = controllers.length === 0 ? 2 : 1;
  const hierarchy = hierarchies.find(
    (candidate) => candidate.version === version && controllers.every((name) => candidate.controllers.includes(name)),
  );
  if (!hierarchy) return undefined;
  const { mountPoint, root } = hierarchy;
  if (root === '/' || path === root) return mountPoint + (path === root ? '' : path);
  return path.startsWith(`${root}/`) ? mountPoint + path.slice(root.length) : undefined;
}
