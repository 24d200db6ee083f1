/** What a container sees at /pantavisor, and the host directories behind it (tools.md §5). */
import type { Places } from '../boot/places.ts';
import { type Files, HostError } from '../host/ports.ts';
import { makeDirectories, removeTree } from '../volumes/directories.ts';
import type { BindEntry } from './lxc-config.ts';

/** Sockets of the runtime that every container gets, by name in the run directory. The one for logs is each container's own. */
const sharedSockets = ['pv-ctrl'] as const;

/** File in /pantavisor that the container's init is started through. */
const starterName = '.init';

/** Path of that file in the container. */
export const starterPath = `/pantavisor/${starterName}`;

/** Where /pantavisor of a container without the role mgmt lives; below the run directory, since a hard link cannot leave its file system. */
export function presenceDirectory(places: Pick<Places, 'run'>, container: string): string {
  return `${places.run}/.containers/${container}`;
}

/**
 * Makes the directories behind /pantavisor of a container and returns what to bind into it.
 *
 * A container without the role mgmt gets a directory of its own with a hard link to each socket, and not the socket itself as a
 * mount: when the runtime comes back after a crash it makes new sockets, and `relinkSockets` puts them into the same directory,
 * so that a container that was running all the time reaches the new runtime.
 * @param starter program of the host that starts init; mounted by itself, since the run directory may forbid programs (noexec)
 */
export async function preparePresence(
  files: Files,
  places: Pick<Places, 'run' | 'logs'>,
  container: { name: string; mgmt: boolean },
  revision: string,
  starter: string | undefined,
): Promise<BindEntry[]> {
  const { name, mgmt } = container;
  const root = mgmt ? places.run : presenceDirectory(places, name);
  // Metadata of one container lies beside that of the device: user-meta.<container>. All of it is in the run directory already.
  const sources = mgmt
    ? { logs: places.logs }
    : {
        logs: `${places.logs}/${revision}/${name}`,
        'user-meta': `${places.run}/user-meta.${name}`,
        'device-meta': `${places.run}/device-meta.${name}`,
      };
  await makeDirectories(files, root);
  const binds: BindEntry[] = [{ source: root, target: 'pantavisor', kind: 'directory', readOnly: true }];
  for (const [entry, source] of Object.entries(sources)) {
    await makeDirectories(files, source);
    // The mount point must exist: what is mounted at /pantavisor is read-only.
    await makeDirectories(files, `${root}/${entry}`);
    binds.push({ source, target: `pantavisor/${entry}`, kind: 'directory', readOnly: true });
  }
  if (starter !== undefined) {
    const mountPoint = `${root}/${starterName}`;
    if ((await files.status(mountPoint)) === undefined) await files.write(mountPoint, '', { mode: 0o444 });
    binds.push({ source: starter, target: `pantavisor/${starterName}`, kind: 'file', readOnly: true });
  }
  if (!mgmt) await linkSockets(files, places, root);
  return binds;
}

/** Puts the runtime's present sockets into the directories of containers that are running already. */
export async function relinkSockets(
  files: Files,
  places: Pick<Places, 'run'>,
  containers: readonly string[],
): Promise<void> {
  for (const name of containers) {
    const directory = presenceDirectory(places, name);
    if ((await files.status(directory)) !== undefined) await linkSockets(files, places, directory);
  }
}

async function linkSockets(files: Files, { run }: Pick<Places, 'run'>, directory: string): Promise<void> {
  for (const socket of sharedSockets) {
    const status = await files.status(`${run}/${socket}`);
    if (status === undefined) continue;
    const link = `${directory}/${socket}`;
    const present = await files.status(link);
    if (present?.inode === status.inode && present.device === status.device) continue;
    // Linked under another name first: a container never finds the name missing.
    const next = `${directory}/.${socket}`;
    await files.unlink(next).catch(ignoreMissing);
    await files.link(`${run}/${socket}`, next);
    await files.rename(next, link);
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof HostError) || error.code !== 'ENOENT') throw error;
}

/** Removes the directories of a container that ended. */
export async function removePresence(files: Files, places: Pick<Places, 'run'>, container: string): Promise<void> {
  await removeTree(files, presenceDirectory(places, container));
}
