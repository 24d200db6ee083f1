/** The compiled addon: its functions as C declares them. The files beside this one make them pleasant to use. */
import { createRequire } from 'node:module';
import { buildFolder } from './build-folder.ts';

/** How a process ended: by its exit code or by a signal's number. */
export interface RawExit {
  pid: number;
  code?: number;
  signal?: number;
}

interface Addon {
  mount(source: string, target: string, type: string | undefined, flags: number, data?: string): Promise<void>;
  unmount(target: string, flags: number): Promise<void>;
  openTree(path: string, flags: number): Promise<number>;
  moveMount(tree: number, target: string): Promise<void>;
  attachLoop(
    image: string,
    flags: number,
    offset: number,
    sizeLimit: number,
  ): Promise<{ device: string; descriptor: number }>;
  detachLoop(device: string): Promise<void>;
  statfs(path: string): Promise<{
    type: number;
    blockSize: number;
    blocks: number;
    free: number;
    available: number;
    files: number;
    freeFiles: number;
    flags: number;
  }>;
  syncDirectory(path: string): Promise<void>;
  syncFileSystem(path: string): Promise<void>;
  rename(from: string, to: string, flags: number): Promise<void>;
  flock(descriptor: number, operation: number): Promise<void>;
  makeFifo(path: string, mode: number): Promise<void>;
  syncAll(): Promise<void>;
  peerCredentials(socket: number): { pid: number; uid: number; gid: number };
  socketPair(): [number, number];
  connectUnix(path: string): number;
  sendDescriptors(socket: number, bytes: Uint8Array, descriptors: number[]): number;
  receiveDescriptors(
    socket: number,
    mostBytes: number,
  ): { bytes: Uint8Array; descriptors: number[]; truncated: boolean };
  openProcess(pid: number): number;
  signalProcess(descriptor: number, signal: number): void;
  processInfo(descriptor: number): { pid?: number; parent?: number; code?: number; signal?: number };
  reap(by: 0 | 1, id: number, keep: boolean): RawExit | undefined;
  spawnProcess(
    program: string,
    argv: string[],
    environment: string[],
    stdin: number,
    stdout: number,
    stderr: number,
  ): { pid: number; descriptor: number };
  setChildSubreaper(on: boolean): void;
  waitReadable(descriptor: number): Promise<void>;
  waitWritable(descriptor: number): Promise<void>;
  addBridge(name: string): void;
  deleteBridge(name: string): void;
  setInterfaceUp(name: string, up: boolean): void;
  setInterfaceAddress(name: string, address: string, prefixLength: number): void;
  setHostname(name: string): void;
  reboot(command: number): void;
  bindDatagrams(path: string, mode: number): number;
  shutdownSocket(socket: number): void;
  openInRoot(root: string, path: string, flags: number): Promise<number>;
  openWatchdog(path: string, seconds: number): { descriptor: number; seconds: number };
  feedWatchdog(descriptor: number): void;
  openBelow(root: number, path: string, flags: number): number;
  listenUnix(path: string, mode: number): number;
  acceptUnix(listener: number): number;
  connectAs(path: string, user: number): number;
  finishSocket(socket: number): void;
  copyDevice(device: number, path: string): void;
}

function load(): Addon {
  const path = `${buildFolder(process.arch)}linux.node`;
  try {
    return createRequire(import.meta.url)(path) as Addon;
  } catch (cause) {
    throw new Error(`cannot load the kernel addon ${path}: build it with 'npm run setup'`, { cause });
  }
}

export const addon: Addon = load();
