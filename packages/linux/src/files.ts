/** What node:fs does not offer: renameat2(2), flock(2), mkfifo(3), fsync of a directory, the whole of statfs(2). */
import { addon } from './addon.ts';
import { bitsOf } from './flags.ts';

const renameBits = { noreplace: 1, exchange: 2 } as const;
const lockBits = { shared: 1, exclusive: 2, nonblocking: 4, unlock: 8 } as const;

/** Names of file systems by the magic numbers of statfs(2). */
const fileSystems: ReadonlyMap<number, string> = new Map([
  [0x73717368, 'squashfs'],
  [0x794c7630, 'overlay'],
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0xef53, 'ext4'],
  [0x9123683e, 'btrfs'],
  [0x58465342, 'xfs'],
  [0xf2f52010, 'f2fs'],
  [0x4d44, 'vfat'],
  [0x2011bab0, 'exfat'],
  [0x24051905, 'ubifs'],
  [0x72b6, 'jffs2'],
  [0xe0f5e1e2, 'erofs'],
  [0x9fa0, 'proc'],
  [0x62656572, 'sysfs'],
  [0x27e0eb, 'cgroup'],
  [0x63677270, 'cgroup2'],
  [0x6969, 'nfs'],
  [0x65735546, 'fuse'],
  [0x01021997, '9p'],
  [0x2fc12fc1, 'zfs'],
]);

export type RenameOption = keyof typeof renameBits;
export type LockOption = keyof typeof lockBits;

export interface FileSystemStatus {
  /** Name such as `ext4` (also for ext2 and ext3, which share its number), or the magic number in hexadecimal. */
  type: string;
  /** Bytes. */
  blockSize: number;
  /** Counted in blocks: all, free, free for others than root. */
  blocks: number;
  free: number;
  available: number;
  files: number;
  freeFiles: number;
  readOnly: boolean;
}

/** Space and kind of the file system that holds a path - statfs(2). */
export async function statfs(path: string): Promise<FileSystemStatus> {
  const { type, flags, ...counts } = await addon.statfs(path);
  const magic = type >>> 0;
  return { ...counts, type: fileSystems.get(magic) ?? `0x${magic.toString(16)}`, readOnly: (flags & 1) === 1 };
}

/** Makes the entries of a directory durable - fsync(2). ENOTDIR when it is none. */
export async function syncDirectory(path: string): Promise<void> {
  await addon.syncDirectory(path);
}

/**
 * Writes everything of the file system that holds a path to its place, also what ext4 has in its journal: readers that do not play a
 * journal back find it then - syncfs(2), EXT4_IOC_CHECKPOINT, before Linux 5.14 FIFREEZE.
 * @throws Error with code EPERM on ext4 without CAP_SYS_ADMIN
 */
export async function syncFileSystem(path: string): Promise<void> {
  await addon.syncFileSystem(path);
}

/** Renames; `noreplace` fails with EEXIST when the target is there, `exchange` swaps both atomically - renameat2(2). */
export async function rename(from: string, to: string, options: readonly RenameOption[] = []): Promise<void> {
  await addon.rename(from, to, bitsOf(renameBits, options, 'options'));
}

/**
 * Locks or unlocks an open file - flock(2). The lock belongs to the open file and ends when all its descriptors are closed.
 * @throws Error with code EWOULDBLOCK (which the kernel also calls EAGAIN) when `nonblocking` and another one holds it
 */
export async function flock(descriptor: number, options: readonly LockOption[]): Promise<void> {
  await addon.flock(descriptor, bitsOf(lockBits, options, 'options'));
}

/** Makes a named pipe - mkfifo(3). EEXIST when something is there. */
export async function makeFifo(path: string, mode = 0o600): Promise<void> {
  await addon.makeFifo(path, mode);
}

/** Writes all file systems - sync(2). */
export async function syncAll(): Promise<void> {
  await addon.syncAll();
}

/**
 * Opens a file below a directory as if that were the root: symbolic links and `..` cannot lead out - openat2(2), Linux 5.6. Waits for disks.
 * @param root descriptor of the directory
 * @param flags bits of open(2)
 */
export function openBelow(root: number, path: string, flags: number): number {
  return addon.openBelow(root, path, flags);
}

/** Makes a node of the same device, mode and owner as an open one, where nothing is yet - mknod(2). */
export function copyDevice(device: number, path: string): void {
  addon.copyDevice(device, path);
}
