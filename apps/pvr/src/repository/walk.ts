/** Finds the files of a working tree without reading them. */
import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';

/** A file of the tree. Most commands need to know more only of some files, so it is looked at when it is asked for. */
export class TreeFile {
  /** Path below the root with slashes. */
  readonly key: string;
  readonly path: string;
  readonly link: boolean;
  #stats: Stats | undefined;

  constructor(key: string, path: string, stats?: Stats) {
    this.key = key;
    this.path = path;
    this.link = stats !== undefined;
    this.#stats = stats;
  }

  /** False when it is gone since it was listed. */
  isThere(): boolean {
    this.#stats ??= lstatSync(this.path, { throwIfNoEntry: false });
    return this.#stats?.isFile() === true;
  }

  /** Of the file itself; for a link those of the file it leads to. @throws Failure `file-changing` */
  get stats(): Stats {
    if (this.isThere()) return this.#stats!;
    throw new Failure('file-changing', `cannot read ${this.key}: it was there a moment ago`);
  }
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
 * @param skip what is left out; directories are not entered
 */
export function walkTree(root: string, skip: (key: string, directory: boolean) => boolean): Tree {
  const tree: Tree = { files: new Map(), obstacles: [], empty: [] };
  const pending = [''];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const prefix = directory === '' ? '' : `${directory}/`;
    const entries = readdirSync(prefix === '' ? root : join(root, directory), { withFileTypes: true });
    if (entries.length === 0 && directory !== '') tree.empty.push(directory);
    for (const entry of entries) {
      const key = prefix + entry.name;
      if (skip(key, entry.isDirectory())) continue;
      if (entry.isDirectory()) {
        pending.push(key);
        continue;
      }
      const path = `${root}/${key}`;
      if (entry.isFile()) tree.files.set(key, new TreeFile(key, path));
      else if (entry.isSymbolicLink()) {
        const stats = targetOf(path);
        if (stats?.isFile()) tree.files.set(key, new TreeFile(key, path, stats));
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
