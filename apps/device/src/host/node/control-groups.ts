import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { HostError } from '../ports.ts';
import { hasCode } from './errors.ts';
import { parseMountInfo } from './mounts.ts';

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

function readHierarchies(): Hierarchy[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))
    .filter(({ type }) => type === 'cgroup' || type === 'cgroup2')
    .map(({ type, target, root, superOptions }) => ({
      version: type === 'cgroup2' ? 2 : 1,
      controllers: type === 'cgroup2' ? [] : superOptions.split(','),
      mountPoint: target,
      root,
    }));
}

/** Empty when the process has gone. */
function membershipOf(pid: number | 'self'): { controllers: string[]; path: string }[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return [];
    throw error;
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, controllers = '', ...path] = line.split(':');
      return { controllers: controllers === '' ? [] : controllers.split(','), path: path.join(':') };
    });
}

/**
 * The control groups of processes, by what the kernel says about them: names cannot tell, since LXC takes `NAME-1` when an old
 * `NAME` is left over. Serves v1, v2, and both at once (hybrid) - cgroups(7).
 */
export class ControlGroups {
  #hierarchies: Hierarchy[] = [];

  #known(): Hierarchy[] {
    // They are mounted once, at boot; before that there is no container either.
    if (this.#hierarchies.length === 0) this.#hierarchies = readHierarchies();
    return this.#hierarchies;
  }

  /** Directories of all groups that a process is in, without the roots; none when it has gone. */
  of(pid: number | 'self'): string[] {
    const directories = new Set<string>();
    for (const { controllers, path } of membershipOf(pid)) {
      const directory = this.#directory(controllers, path);
      if (directory !== undefined && path !== '/') directories.add(directory);
    }
    return [...directories];
  }

  #directory(controllers: string[], path: string): string | undefined {
    const version = controllers.length === 0 ? 2 : 1;
    const hierarchy = this.#known().find(
      (candidate) => candidate.version === version && controllers.every((name) => candidate.controllers.includes(name)),
    );
    if (!hierarchy) return undefined;
    const { mountPoint, root } = hierarchy;
    if (root === '/' || path === root) return mountPoint + (path === root ? '' : path);
    return path.startsWith(`${root}/`) ? mountPoint + path.slice(root.length) : undefined;
  }

  /** Bytes of memory that the processes of these groups use; undefined when no memory controller watches them. */
  memoryOf(directories: readonly string[]): number | undefined {
    for (const directory of directories)
      for (const file of ['memory.current', 'memory.usage_in_bytes']) {
        try {
          return Number(readFileSync(`${directory}/${file}`, 'latin1'));
        } catch (error) {
          if (!hasCode(error, 'ENOENT', 'ENODEV')) throw error;
        }
      }
    return undefined;
  }

  /** Numbers of all processes in these groups and those below them. */
  processesOf(directories: readonly string[]): Set<number> {
    const pids = new Set<number>();
    for (const directory of directories) {
      if (!existsSync(directory)) continue;
      for (const child of readdirSync(directory, { withFileTypes: true }))
        if (child.isDirectory()) for (const pid of this.processesOf([`${directory}/${child.name}`])) pids.add(pid);
      try {
        const text = readFileSync(`${directory}/cgroup.procs`, 'latin1');
        for (const line of text.split('\n')) if (line !== '') pids.add(Number(line));
      } catch (error) {
        if (!hasCode(error, 'ENOENT', 'ENODEV', 'EOPNOTSUPP')) throw error;
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
    const tops = new Set([...this.#known().map(({ mountPoint }) => mountPoint), ...this.of('self')]);
    let remaining = [...tops].map((top) => `${top}/${group}`).filter((directory) => !removeTree(directory));
    for (const ms of pauses) {
      if (remaining.length === 0 || this.processesOf(remaining).size > 0) return;
      await pause(ms);
      remaining = remaining.filter((directory) => !removeTree(directory));
    }
  }
}

/** True when it is gone. */
function removeTree(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    if (!hasCode(error, 'EBUSY', 'ENOTEMPTY')) throw error;
  }
  try {
    const children = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    if (children.length === 0) return false;
    for (const child of children) removeTree(`${directory}/${child.name}`);
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    if (hasCode(error, 'EBUSY', 'ENOTEMPTY')) return false;
    throw error;
  }
}
