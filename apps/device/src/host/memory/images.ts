/** File system images that the simulated machine can mount: the magic number of the format, then a listing in JSON. */
import { HostError } from '../ports.ts';
import type { FileSystem, Inode } from './file-system.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

const magic: Record<string, string> = { squashfs: 'hsqs', ext4: 'ext4', ext3: 'ext3', erofs: 'eros' };

/**
 * Bytes of an image.
 * @param files content by absolute path; parents are made; a content of `null` is an empty directory
 */
export function makeMemoryImage(files: Record<string, string | null>, filesystem = 'squashfs'): Uint8Array {
  return encodeUtf8(`${magic[filesystem] ?? filesystem}${JSON.stringify(files)}`);
}

/**
 * Fills a file system with what an image holds.
 * Fails with EINVAL, as mount(2) does, when the image is not of that format or damaged.
 */
export function unpackMemoryImage(image: Uint8Array, filesystem: string, into: FileSystem, target: string): void {
  const corrupt = () => new HostError('EINVAL', 'mount', target, 'wrong fs type, bad option, bad superblock');
  const start = magic[filesystem];
  if (start === undefined) throw new HostError('ENODEV', 'mount', target, `unknown filesystem type '${filesystem}'`);
  const text = decodeUtf8(image);
  if (!text.startsWith(start)) throw corrupt();
  let files: unknown;
  try {
    files = JSON.parse(text.slice(start.length));
  } catch {
    throw corrupt();
  }
  if (typeof files !== 'object' || files === null) throw corrupt();
  for (const [path, content] of Object.entries(files)) {
    const names = path.split('/').filter((name) => name !== '');
    const last = names.pop();
    if (last === undefined) continue;
    let directory: Inode = into.root;
    for (const name of names)
      directory = into.child(directory, name) ?? into.make(directory, name, 'directory', 0o755, 0);
    if (content === null) into.make(directory, last, 'directory', 0o755, 0);
    else {
      const inode = into.make(directory, last, 'file', 0o755, 0);
      into.changeContent(inode, { kind: 'write', offset: 0, data: encodeUtf8(String(content)) }, 0);
    }
  }
}
