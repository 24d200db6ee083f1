/** The mount table: mount(2), umount2(2), open_tree(2), move_mount(2). All run off the main thread. */
import { addon } from './addon.ts';
import { bitsOf } from './flags.ts';

const mountBits = {
  readonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  synchronous: 0x10,
  remount: 0x20,
  mandlock: 0x40,
  dirsync: 0x80,
  noatime: 0x400,
  nodiratime: 0x800,
  bind: 0x1000,
  move: 0x2000,
  recursive: 0x4000,
  silent: 0x8000,
  unbindable: 0x20000,
  private: 0x40000,
  slave: 0x80000,
  shared: 0x100000,
  relatime: 0x200000,
  strictatime: 0x1000000,
  lazytime: 0x2000000,
} as const;

const unmountBits = { force: 1, detach: 2, expire: 4, nofollow: 8 } as const;
const treeBits = { clone: 0x1, recursive: 0x8000, nofollow: 0x100 } as const;

export type MountOption = keyof typeof mountBits;
export type UnmountOption = keyof typeof unmountBits;
export type TreeOption = keyof typeof treeBits;

/** The kernel reads one page of mount data and drops the rest without a word. */
const mostData = 4095;

/**
 * Mounts a file system, or changes a mount (`bind`, `move`, `remount`, and the propagation flags, which stand alone) - mount(2).
 * @param request `data` holds the file system's own options, comma separated, at most 4095 bytes
 * @throws Error with code, errno, syscall, path (source) and dest (target); E2BIG when `data` is too long
 */
export async function mount(request: {
  source: string;
  target: string;
  type?: string | undefined;
  flags?: readonly MountOption[] | undefined;
  data?: string | undefined;
}): Promise<void> {
  const { source, target, type, flags = [], data } = request;
  if (typeof data === 'string' && Buffer.byteLength(data) > mostData)
    throw Object.assign(
      new Error(
        `cannot mount ${source} -> ${target}: the options are ${Buffer.byteLength(data)} bytes long, the kernel takes ${mostData} (E2BIG)`,
      ),
      { code: 'E2BIG', errno: -7, syscall: 'mount', path: source, dest: target },
    );
  await addon.mount(source, target, type, bitsOf(mountBits, flags, 'flags'), data);
}

/**
 * Unmounts what is mounted last on `target` - umount2(2).
 * @throws Error with code EINVAL when it is no mount point, EBUSY when it is in use
 */
export async function unmount(target: string, options: readonly UnmountOption[] = []): Promise<void> {
  await addon.unmount(target, bitsOf(unmountBits, options, 'options'));
}

/**
 * Opens a mount as a descriptor; with `clone` a detached copy, which disappears with the descriptor unless `moveMount` attaches
 * it - open_tree(2), Linux 5.2.
 */
export async function openTree(path: string, options: readonly TreeOption[] = []): Promise<number> {
  return addon.openTree(path, bitsOf(treeBits, options, 'options'));
}

/** Attaches a tree from `openTree` at `target` - move_mount(2). The descriptor stays open. */
export async function moveMount(tree: number, target: string): Promise<void> {
  await addon.moveMount(tree, target);
}
