/** Work inside the namespaces of another process, done by the static program `nsexec` (native/nsexec). */
import { buildFolder } from './build-folder.ts';

export type Namespace = 'mnt' | 'net' | 'uts' | 'ipc' | 'pid' | 'cgroup';

/** Where the program lies, for spawning it with a socket as descriptor 3. */
export function nsexecPath(): string {
  return `${buildFolder(process.arch)}nsexec`;
}

/** What can be done there: run a program, or open a file or a unix socket and get its descriptor. */
export type NamespaceTask =
  | { verb: 'exec'; argv: readonly string[] }
  | { verb: 'open'; path: string }
  | { verb: 'connect'; path: string }
  | { verb: 'listen'; path: string; mode: number }
  /** Needs the namespace `mnt` alone: mounts what is at `path` there, with all mounts below it, at `target` here. */
  | { verb: 'mount'; path: string; target: string };

/**
 * Command line that does a task in the namespaces of a process. For `open`, `connect` and `listen` the program sends the descriptor over the unix
 * socket that it inherits as descriptor 3 (`receiveDescriptors` at the other end) and exits with 0; 125 means it could not, and
 * standard error says why.
 */
export function nsexecArguments(pid: number, namespaces: readonly Namespace[], task: NamespaceTask): string[] {
  const head = [nsexecPath(), String(pid), namespaces.join(','), task.verb];
  if (task.verb === 'exec') return [...head, ...task.argv];
  if (task.verb === 'mount') return [...head, task.path, task.target];
  return task.verb === 'listen' ? [...head, task.path, task.mode.toString(8)] : [...head, task.path];
}
