/** What a tree has over another one, as the upper layer of an overlay (pvr §8.4; kernel, overlayfs.rst). */
import { sameContent } from './squashfs.ts';
import { type Entry, type Inode, RootTree } from './tree.ts';

/** Overlayfs takes a character device 0/0 for "this name is gone". */
const gone: Inode = { type: 'character', mode: 0, uid: 0, gid: 0, mtime: 0, size: 0, major: 0, minor: 0 };

/** The difference: new and changed entries, also those of which only mode or owner changed, and whiteouts. */
export function overlayOf(base: RootTree, wanted: RootTree): RootTree {
  const upper = new RootTree();
  upper.root.inode = wanted.root.inode;
  compare('', base.root, wanted.root, upper);
  return upper;
}

function compare(prefix: string, before: Entry, after: Entry, upper: RootTree): void {
  for (const name of before.children!.keys()) if (!after.children!.has(name)) upper.put(prefix + name, gone);
  for (const [name, entry] of after.children!) {
    const path = prefix + name;
    const old = before.children!.get(name);
    if (!old || (old.children === undefined) !== (entry.children === undefined)) copy(path, entry, upper);
    else if (entry.children) {
      if (!sameMetadata(old.inode, entry.inode)) upper.put(path, entry.inode);
      compare(`${path}/`, old, entry, upper);
      // A directory that came only as the way to something below must look like the one it stands over.
      if (upper.find(path)) upper.put(path, entry.inode);
    } else if (!sameEntry(old.inode, entry.inode)) upper.put(path, entry.inode);
  }
}

function copy(path: string, entry: Entry, upper: RootTree): void {
  upper.put(path, entry.inode);
  for (const [name, child] of entry.children ?? []) copy(`${path}/${name}`, child, upper);
}

function sameMetadata(a: Inode, b: Inode): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}

function sameEntry(a: Inode, b: Inode): boolean {
  if (a.type !== b.type || a.target !== b.target || a.major !== b.major || a.minor !== b.minor) return false;
  // The permissions of a link mean nothing.
  return (a.type === 'symlink' || sameMetadata(a, b)) && (a.type !== 'file' || sameContent(a, b));
}
