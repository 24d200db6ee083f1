/** What a log server needs beyond node: sockets for datagrams, and files inside the root of another process. */
import { addon } from './addon.ts';

/**
 * Makes a socket that datagrams can be sent to, where nothing is yet - unix(7). Non-blocking, close-on-exec; `receiveDescriptors` reads
 * one datagram at a time.
 * @throws Error with code EADDRINUSE when something is at the path, ENAMETOOLONG from 108 bytes on
 */
export function bindDatagrams(path: string, mode: number): number {
  return addon.bindDatagrams(path, mode);
}

/** Ends both directions of a socket; a `waitReadable` on it resolves - shutdown(2). */
export function shutdownSocket(socket: number): void {
  addon.shutdownSocket(socket);
}

/**
 * Opens a file as a process with another root sees it: symbolic links and `..` cannot lead out - openat2(2), Linux 5.6.
 * @param root directory, e.g. `/proc/PID/root`
 * @param flags bits of open(2); the descriptor never blocks, is never a controlling terminal, and closes on exec
 */
export async function openInRoot(root: string, path: string, flags: number): Promise<number> {
  return addon.openInRoot(root, path, flags);
}
