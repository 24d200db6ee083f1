/** Control groups: how they are mounted here, and whose process a peer is (control.md §3). */
import type { Files, Peer } from '../host/ports.ts';
import type { ControlGroupLayout } from './lxc-config.ts';

/** Detects how control groups are mounted; never assumed, since one distribution differs from the next. */
export async function detectLayout(files: Files): Promise<ControlGroupLayout> {
  if ((await files.status('/sys/fs/cgroup/cgroup.controllers')) !== undefined) return 'unified';
  return (await files.status('/sys/fs/cgroup/unified')) === undefined ? 'legacy' : 'hybrid';
}

/** Control group of a process in each hierarchy, by the hierarchy's controllers (`''` is v2). */
export type GroupsOfProcess = ReadonlyMap<string, string>;

/** Reads `/proc/<pid>/cgroup`: lines `<number>:<controllers>:<path>` (cgroups(7)). */
export function parseGroups(text: string): GroupsOfProcess {
  const groups = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
    if (match) groups.set(match[1] ?? '', (match[2] ?? '/').replace(/ \(deleted\)$/, ''));
  }
  return groups;
}

/** Reads the control groups of a process; undefined when it has ended. */
export async function readGroups(files: Files, pid: number): Promise<GroupsOfProcess | undefined> {
  try {
    return parseGroups(await files.readText(`/proc/${pid}/cgroup`, 64 * 1024));
  } catch {
    // A process may end at any time; /proc then says ENOENT or ESRCH.
    return undefined;
  }
}

/**
 * The control groups that are a container's own, from those of its init: init may have moved itself further down (systemd does), so
 * everything below the directory that LXC made is cut off.
 */
export function rootGroups(ofInit: GroupsOfProcess, name: string): GroupsOfProcess {
  const roots = new Map<string, string>();
  for (const [hierarchy, path] of ofInit) {
    const parts = path.split('/');
    const made = parts.findIndex((part) => isPayload(part, name));
    if (made >= 0) roots.set(hierarchy, parts.slice(0, made + 1).join('/'));
    else if (path !== '/') roots.set(hierarchy, path);
  }
  return roots;
}

/** LXC adds `-<n>` when a group of the name was left behind by an earlier start. */
function isPayload(part: string, name: string): boolean {
  const prefix = `lxc.payload.${name}`;
  return part === prefix || (part.startsWith(`${prefix}-`) && /^\d+$/.test(part.slice(prefix.length + 1)));
}

/** True when a process is in a container's control group or in one nested in it. */
export function isInside(process: GroupsOfProcess, roots: GroupsOfProcess): boolean {
  for (const [hierarchy, root] of roots) {
    const path = process.get(hierarchy);
    if (path !== undefined && (path === root || path.startsWith(`${root}/`))) return true;
  }
  return false;
}

/** True when a process is below the control group of a device's containers, whichever container that is. */
export function isBelowDevice(process: GroupsOfProcess, controlGroup: string): boolean {
  return [...process.values()].some((path) => path.split('/').includes(controlGroup));
}

/** A container as identification knows it. */
export interface KnownContainer {
  name: string;
  roots: GroupsOfProcess;
}

export type PeerOwner = { kind: 'container'; name: string } | { kind: 'host' } | { kind: 'unknown' };

/**
 * Finds the container whose process is at the other end of a connection. A process of one of our containers that cannot be matched
 * is unknown, never the host.
 * @param settle waits for containers that are just being started, whose control group is not known yet
 */
export async function ownerOf(
  files: Files,
  peer: Peer,
  controlGroup: string,
  known: () => readonly KnownContainer[],
  settle: () => Promise<void>,
): Promise<PeerOwner> {
  const groups = await readGroups(files, peer.pid);
  if (groups === undefined || groups.size === 0) return { kind: 'unknown' };
  const match = () => known().find(({ roots }) => isInside(groups, roots));
  let found = match();
  if (found === undefined && isBelowDevice(groups, controlGroup)) {
    await settle();
    found = match();
    if (found === undefined) return { kind: 'unknown' };
  }
  return found === undefined ? { kind: 'host' } : { kind: 'container', name: found.name };
}
