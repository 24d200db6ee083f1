/**
 * Puts sockets and device nodes into containers (xconnect.md §5). No namespace is entered: everything goes through descriptors of directories
 * that were found below the container's root, so symbolic links lead where they lead inside.
 */
import { codeOf, type MeshFiles, type MeshHost } from '../host/mesh-ports.ts';
import type { ProcessId } from './graph.ts';

const socketMode = 0o666;
const directoryMode = 0o755;

/** A failure with the sentence that says what could not be done. */
export class MeshError extends Error {
  override name = 'MeshError';
}

type Parts = Pick<MeshHost, 'files' | 'sockets' | 'startOf' | 'pid'>;

/**
 * Does work with the root directory of a process, and makes sure that it is that of this very process.
 * @throws MeshError when it has ended
 */
export function withRoot<T>(
  { files, sockets, startOf }: Parts,
  { pid, start }: ProcessId,
  work: (root: number) => T,
): T {
  const root = files.openRoot(pid);
  try {
    if (startOf(pid) !== start) throw new MeshError(`process ${pid} has ended`);
    return work(root);
  } finally {
    sockets.close(root);
  }
}

/** What was put somewhere: the identity tells whether it is still there. */
export interface Injected {
  identity: string;
  /** Of a socket. */
  listener?: number;
}

/** Makes a listening socket in a container that everybody there may connect to; replaces what was there. */
export function injectSocket(parts: Parts, consumer: ProcessId, target: string): Injected {
  return put(parts, consumer, target, (directory, name) => parts.files.listen(directory, name, socketMode));
}

/** Copies a device node from one container into another. */
export function injectDevice(
  parts: Parts,
  consumer: ProcessId,
  target: string,
  provider: ProcessId,
  path: string,
): Injected {
  const { files, sockets } = parts;
  const device = withRoot(parts, provider, (root) => files.openIn(root, path, 'any'));
  try {
    if (files.status(device).kind !== 'device') throw new MeshError(`${path} of the provider is no device`);
    return put(parts, consumer, target, (directory, name) => {
      files.copyDevice(device, directory, name);
      return undefined;
    });
  } finally {
    sockets.close(device);
  }
}

/** Whether what was put there is still there. */
export function isThere(parts: Parts, consumer: ProcessId, target: string, { identity }: Injected): boolean {
  try {
    return withRoot(parts, consumer, (root) => {
      const [directory, name] = split(target);
      const parent = parts.files.openIn(root, directory, 'directory');
      try {
        return identityIn(parts, parent, name) === identity;
      } finally {
        parts.sockets.close(parent);
      }
    });
  } catch {
    return false;
  }
}

/** Takes a target away, if it is what was put there. */
export function removeTarget(parts: Parts, consumer: ProcessId, target: string, injected: Injected): void {
  if (!isThere(parts, consumer, target, injected)) return;
  try {
    withRoot(parts, consumer, (root) => {
      const [directory, name] = split(target);
      const parent = parts.files.openIn(root, directory, 'directory');
      try {
        parts.files.remove(parent, name);
      } finally {
        parts.sockets.close(parent);
      }
    });
  } catch (error) {
    // Its container may be on the way down, or not allow it any more; what is left there answers nobody.
    if (error instanceof TypeError) throw error;
  }
}

function put(
  parts: Parts,
  consumer: ProcessId,
  target: string,
  make: (directory: number, name: string) => number | undefined,
): Injected {
  const { files, sockets } = parts;
  return withRoot(parts, consumer, (root) => {
    const [path, name] = split(target);
    const directory = makeDirectories(parts, root, path);
    // Made beside and moved: a client finds the old one or the new one. The short name always fits into a socket address.
    const draft = `.pvx${parts.pid}`;
    let listener: number | undefined;
    try {
      removeIfThere(files, directory, draft);
      listener = make(directory, draft);
      const identity = identityIn(parts, directory, draft);
      files.rename(directory, draft, name);
      return listener === undefined ? { identity } : { identity, listener };
    } catch (error) {
      if (listener !== undefined) sockets.close(listener);
      removeIfThere(files, directory, draft);
      throw error;
    } finally {
      sockets.close(directory);
    }
  });
}

function removeIfThere(files: MeshFiles, directory: number, name: string): void {
  try {
    files.remove(directory, name);
  } catch (error) {
    if (!['ENOENT', 'EROFS'].includes(codeOf(error))) throw error;
  }
}

function identityIn({ files, sockets }: Parts, directory: number, name: string): string {
  const found = files.openIn(directory, name, 'any');
  try {
    return files.status(found).identity;
  } finally {
    sockets.close(found);
  }
}

function split(target: string): [directory: string, name: string] {
  const slash = target.lastIndexOf('/');
  const name = target.slice(slash + 1);
  if (name === '' || name === '.' || name === '..') throw new MeshError(`${target} is a directory`);
  return [slash <= 0 ? '/' : target.slice(0, slash), name];
}

/** Finds a directory, and makes what is missing of its path. */
function makeDirectories(parts: Parts, root: number, path: string): number {
  const { files, sockets } = parts;
  try {
    return files.openIn(root, path, 'directory');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || path === '/') throw error;
  }
  const trimmed = path.replace(/\/+$/, '');
  const slash = trimmed.lastIndexOf('/');
  const parent = makeDirectories(parts, root, slash <= 0 ? '/' : trimmed.slice(0, slash));
  try {
    files.makeDirectory(parent, trimmed.slice(slash + 1), directoryMode);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    sockets.close(parent);
  }
  return files.openIn(root, path, 'directory');
}
