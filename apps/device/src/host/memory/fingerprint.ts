/** A short name for what is on a disk, so that equal survivors of power cuts are tried once. */
import type { FileSystem, Inode } from './file-system.ts';

/** Two multiplicative hashes of 32 bits side by side (FNV-1a and a sibling), for equality among some millions of disks. */
class Digest {
  #a = 0x811c9dc5;
  #b = 0x9e3779b9;

  number(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x01000193);
    this.#b = Math.imul(this.#b ^ value ^ (this.#b >>> 13), 0x85ebca6b);
  }

  text(value: string): void {
    this.number(value.length);
    for (let index = 0; index < value.length; index += 1) this.number(value.charCodeAt(index));
  }

  get words(): readonly [number, number] {
    return [this.#a >>> 0, this.#b >>> 0];
  }
}

/**
 * Names, kinds, modes, contents, link targets and hard links of everything on a file system; not times, nor numbers of inodes.
 * @param contentName names a content, equal for equal ones
 * @returns 16 hex digits, equal for equal disks
 */
export function fingerprintOf(fileSystem: FileSystem, contentName: (content: Uint8Array) => string): string {
  const digest = new Digest();
  const order = new Map<number, number>();

  function take(inode: Inode): void {
    const seen = order.get(inode.id);
    if (seen !== undefined) {
      digest.number(seen);
      return;
    }
    order.set(inode.id, order.size + 1);
    digest.text(inode.kind);
    digest.number(inode.mode);
    digest.text(inode.target);
    if (inode.kind === 'file') digest.text(contentName(inode.content));
    digest.number(inode.entries.size);
    for (const name of [...inode.entries.keys()].sort()) {
      digest.text(name);
      take(fileSystem.inode(inode.entries.get(name) ?? 0));
    }
  }

  take(fileSystem.root);
  return digest.words.map((word) => word.toString(16).padStart(8, '0')).join('');
}
