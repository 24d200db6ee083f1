/** Finds the files of a working tree without reading them. */
import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

export interface TreeFile {
  /** Path below the root with slashes. */
  key: string;
  path: string;
  /** Of the file itself; for a link those of the file it leads to. */
  stats: Stats;
  link: boolean;
}

/** Something in the tree that no state can hold. */
export interface Obstacle {
  key: string;
  /** E.g. `it is a link to a directory`. */
  reason: string;
}

export interface Tree {
  files: Map<string, TreeFile>;
  obstacles: Obstacle[];
  /** Directories without any file in them. */
  empty: string[];
}

/**
 * Walks a tree. Links to files count as the files they lead to, as in the original; other links and devices are obstacles.
 * @param skip keys of directories that are not entered
 */
export function walkTree(root: string, skip: (key: string) => boolean): Tree {
  const tree: Tree = { files: new Map(), obstacles: [], empty: [] };
  const pending = [''];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const prefix = directory === '' ? '' : `${directory}/`;
    const entries = readdirSync(prefix === '' ? root : join(root, directory), { withFileTypes: true });
    if (entries.length === 0 && directory !== '') tree.empty.push(directory);
    for (const entry of entries) {
      const key = prefix + entry.name;
      if (skip(key)) continue;
      if (entry.isDirectory()) {
        pending.push(key);
        continue;
      }
      const path = `${root}/${key}`;
      if (entry.isFile()) {
        // Gone since it was listed: it is as if it had never been there.
        const stats = lstatSync(path, { throwIfNoEntry: false });
        if (stats) tree.files.set(key, { key, path, stats, link: false });
      } else if (entry.isSymbolicLink()) {
        const stats = targetOf(path);
        if (stats?.isFile()) tree.files.set(key, { key, path, stats, link: true });
        else
          tree.obstacles.push({
            key,
            reason: stats ? 'it is a link to a directory or a device' : 'it is a link that leads nowhere',
          });
      } else tree.obstacles.push({ key, reason: 'it is neither a file nor a directory' });
    }
  }
  return tree;
}

function targetOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // A link in a circle.
    return undefined;
  }
}
