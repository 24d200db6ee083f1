/** Unix sockets by descriptor: identity of the peer and passing descriptors - unix(7). */
import { addon } from './addon.ts';

export interface PeerCredentials {
  pid: number;
  uid: number;
  gid: number;
}

export interface ReceivedDescriptors {
  /** Data that came along; empty when the other end has closed. */
  bytes: Uint8Array;
  /** New descriptors of this process, close-on-exec; to be closed by the caller. */
  descriptors: number[];
  /** The kernel had to drop descriptors, for want of room or because too many files are open. */
  truncated: boolean;
}

/** Who connected (on the server's side), or who called listen (on the client's side) - SO_PEERCRED. */
export function peerCredentials(socket: number): PeerCredentials {
  return addon.peerCredentials(socket);
}

/** Two connected stream sockets, close-on-exec - socketpair(2). */
export function socketPair(): [number, number] {
  return addon.socketPair();
}

/** Connects a non-blocking stream socket; `@` at the start of the path means an abstract address. ENAMETOOLONG from 108 bytes on. */
export function connectUnix(path: string): number {
  return addon.connectUnix(path);
}

/**
 * Sends bytes (one at least) and copies of descriptors along with the first of them - SCM_RIGHTS.
 * @returns how many of the bytes were sent; the descriptors went if any did
 * @throws Error with code EAGAIN when the socket is full, EPIPE when the other end has closed
 */
export function sendDescriptors(socket: number, bytes: Uint8Array, descriptors: readonly number[]): number {
  return addon.sendDescriptors(socket, bytes, descriptors as number[]);
}

/**
 * Receives what is there now; `waitReadable` tells when something is.
 * @param mostBytes 1 to 1048576
 * @throws Error with code EAGAIN when there is nothing yet
 */
export function receiveDescriptors(socket: number, mostBytes = 4096): ReceivedDescriptors {
  return addon.receiveDescriptors(socket, mostBytes);
}

/** Resolves when a read from the descriptor would not wait. One thread serves all waits; the descriptor may be closed meanwhile. */
export async function waitReadable(descriptor: number): Promise<void> {
  await addon.waitReadable(descriptor);
}

/** As `waitReadable`, for a write. */
export async function waitWritable(descriptor: number): Promise<void> {
  await addon.waitWritable(descriptor);
}

/**
 * Makes a listening stream socket where nothing is yet; it exists with exactly this mode from the first moment. Non-blocking, close-on-exec.
 * @throws Error with code EADDRINUSE when something is at the path, ENAMETOOLONG from 108 bytes on
 */
export function listenUnix(path: string, mode: number): number {
  return addon.listenUnix(path, mode);
}

/** The next connection of a listener, non-blocking. @throws Error with code EAGAIN when there is none, EMFILE when too many files are open */
export function acceptUnix(listener: number): number {
  return addon.acceptUnix(listener);
}

/**
 * Connects a non-blocking stream socket as another user: what SO_PEERCRED tells the server. Needs root, who the thread is again afterwards;
 * the process ends where that fails.
 */
export function connectAs(path: string, user: number): number {
  return addon.connectAs(path, user);
}

/** Lets the other end read the end of the stream; what it sends still comes - shutdown(2). */
export function finishSocket(socket: number): void {
  addon.finishSocket(socket);
}
