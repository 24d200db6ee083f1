/** Takes a folder of this machine for a root file system. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Inode, RootTree } from './tree.ts';

/**
 * Times are those of nothing in particular, so that a copy of the folder gives the same image. Owners are kept when root
 * reads, who alone can have set them; otherwise everything belongs to root.
 */
export function readDirectoryTree(path: string, keepOwners = process.getuid?.() === 0): RootTree {
  const tree = new RootTree();
  const inodes = new Map<string, Inode>();
  const add = (name: string): void => {
    const full = join(path, name);
    const stats = lstatSync(full);
    const known = stats.isDirectory() ? undefined : inodes.get(`${stats.dev}:${stats.ino}`);
    if (known) {
      tree.put(name, known);
      return;
    }
    const owner = keepOwners ? { uid: stats.uid, gid: stats.gid } : { uid: 0, gid: 0 };
    const common = { mode: stats.mode & 0o7777, ...owner, mtime: 0, size: 0 };
    const device = {
      major: Number((BigInt(stats.rdev) >> 8n) & 0xfffn),
      minor: (stats.rdev & 0xff) | ((stats.rdev >>> 12) & 0xfff00),
    };
    let inode: Inode | undefined;
    if (stats.isFile()) inode = { ...common, type: 'file', size: stats.size, content: { path: full, offset: 0 } };
    else if (stats.isDirectory()) inode = { ...common, type: 'directory' };
    else if (stats.isSymbolicLink()) inode = { ...common, type: 'symlink', target: readlinkSync(full) };
    else if (stats.isCharacterDevice()) inode = { ...common, type: 'character', ...device };
    else if (stats.isBlockDevice()) inode = { ...common, type: 'block', ...device };
    else if (stats.isFIFO()) inode = { ...common, type: 'fifo' };
    // Sockets mean nothing in an image.
    if (!inode) return;
    if (stats.nlink > 1 && !stats.isDirectory()) inodes.set(`${stats.dev}:${stats.ino}`, inode);
    tree.put(name, inode);
    if (stats.isDirectory()) for (const child of readdirSync(full)) add(name === '' ? child : `${name}/${child}`);
  };
  add('');
  return tree;
}
