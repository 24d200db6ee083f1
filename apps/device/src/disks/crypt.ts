/**
 * Encrypted disks: an image file on the storage, a key, an ext4 file system inside (boot.md §5.1). Files are those of the original, so that its
 * disks open here and ours there:
 *
 *   <image>            the encrypted file system
 *   <image>.new        one that is being made
 *   <image>.goodbak    the image as it was made, the last resort
 *   <image>.prebak     the image before a repair touched it
 *   <key>…             the key, sealed or not
 *   <key>.init_done    the disk has been made
 */
import type { Disk } from '@pantavisor/state';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import type { Log } from '../runtime/log.ts';
import { longTimeout, runProgram } from '../runtime/programs.ts';
import { copyDurable, makeTree, removeDurable, renameDurable, writeDurable } from '../storage/durable.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { isUnproved, openKey, settleKey } from './crypt-keys.ts';
import { createMapped, removeMapped, sectorsOf, withLoop } from './mapper.ts';

export type CryptHost = Pick<Host, 'files' | 'mounts' | 'processes' | 'system'>;

export interface CryptPath {
  image: string;
  megabytes: number;
  /** Name of the key, beside the image. */
  key: string;
}

const mostMegabytes = 1024 * 1024;
/** e2fsck(8): errors corrected, and errors corrected with a restart wanted. */
const repaired = [1, 2, 3];

/**
 * Reads `path` of an encrypted disk: `<image>,<size in MB>,<key>`, for caam with `-v2 ` before it.
 * @throws Failure `disk-path`
 */
export function readCryptPath({ name, type, path = '' }: Pick<Disk, 'name' | 'type' | 'path'>): CryptPath {
  const plain = path.replace(/^-v2\s+/, '');
  const [image = '', size = '', key = '', ...rest] = plain.split(',');
  const megabytes = Number(size);
  const wrong =
    !image.startsWith('/') || image.endsWith('/')
      ? 'it begins with no absolute path of an image'
      : !/^\d+$/.test(size) || megabytes < 1 || megabytes > mostMegabytes
        ? `${JSON.stringify(size)} is no size in MB`
        : key === '' || key.includes('/') || rest.length > 0
          ? 'it ends with no name of a key'
          : type === 'dm-crypt-caam' && plain === path
            ? 'a caam disk needs "-v2 " before it'
            : undefined;
  if (wrong !== undefined)
    throw new Failure(
      'disk-path',
      `cannot open the disk ${name}: its path ${JSON.stringify(path)} cannot be read: ${wrong}`,
      {
        hint: 'write IMAGE,SIZE,KEY, e.g. "/storage/dm-crypt-files/disk1/versatile.img,8,versatile_key"',
      },
    );
  return { image, megabytes, key };
}

/** Name of the mapped device: that of the image up to its first dot, as the original has it. */
export const mappedName = ({ image }: CryptPath) => image.slice(image.lastIndexOf('/') + 1).split('.', 1)[0] ?? '';

const keyPath = ({ image, key }: CryptPath) => `${image.slice(0, image.lastIndexOf('/'))}/${key}`;

/**
 * Opens a disk on `target`, making it first when it was never made.
 * @param create false: one that was never made is a failure
 * @throws Failure
 */
export async function openCrypt(host: CryptHost, disk: Disk, target: string, create: boolean, log: Log): Promise<void> {
  const path = readCryptPath(disk);
  const { image, key } = path;
  const { files } = host;
  const directory = image.slice(0, image.lastIndexOf('/'));
  const marker = `${directory}/${key}.init_done`;
  const isMade = (await files.status(marker)) !== undefined;
  if (!isMade && !create)
    throw new Failure('disk-unmade', `cannot open the disk ${disk.name}: it was never made`, { file: image });
  // What an earlier runtime or a failed attempt left open.
  await removeMapped(host, mappedName(path));
  if (!isMade) {
    log('INFO', 'disks', `making the encrypted disk ${disk.name} (${path.megabytes} MB)`);
    await makeTree(files, directory, 0o700);
    await make(host, disk, path);
    await writeDurable(files, marker, '', 0o644);
  }
  await mountOrRepair(host, disk, path, target, log);
  await settleKey(host, keyPath(path));
}

/** Takes it away; one that is not open is fine. */
export async function closeCrypt({ files, mounts, processes }: CryptHost, disk: Disk, target: string): Promise<void> {
  if ((await mounts.list()).some((mount) => mount.target === target)) await mounts.unmount(target);
  await files.removeDirectory(target).catch(() => undefined);
  await removeMapped({ files, processes }, mappedName(readCryptPath(disk)));
}

async function make(host: CryptHost, disk: Disk, path: CryptPath): Promise<void> {
  const { files } = host;
  const { image, megabytes } = path;
  const fresh = `${image}.new`;
  const zeros = ['dd', 'if=/dev/zero', `of=${fresh}`, 'bs=1048576', `count=${megabytes}`];
  await runProgram(host, `make the disk ${disk.name}`, zeros, { timeout: longTimeout });
  await files.changeMode(fresh, 0o600);
  const device = await map(host, disk, path, fresh, true);
  try {
    const format = ['mke2fs', '-q', '-F', '-t', 'ext4', '-b', '1024', device];
    await runProgram(host, `format the disk ${disk.name}`, format, { timeout: longTimeout });
  } finally {
    await removeMapped(host, mappedName(path));
  }
  await copyDurable(files, fresh, `${image}.goodbak`, 0o600);
  await renameDurable(files, fresh, image);
}

async function map(host: CryptHost, disk: Disk, path: CryptPath, image: string, create: boolean): Promise<string> {
  const { cipher, key, forget } = await openKey(host, disk, keyPath(path), create);
  try {
    const sectors = await sectorsOf(host, image);
    return await withLoop(host, image, false, (loop) =>
      createMapped(host, mappedName(path), sectors, `crypt ${cipher} ${key} 0 ${loop} 0`),
    );
  } finally {
    await forget();
  }
}

async function mountOrRepair(host: CryptHost, disk: Disk, path: CryptPath, target: string, log: Log): Promise<void> {
  const { files, mounts } = host;
  const { image } = path;
  await makeDirectories(files, target);
  const mount = (device: string) => mounts.mount({ source: device, target, type: 'ext4', flags: ['noatime'] });
  const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
  let device = await map(host, disk, path, image, false);
  try {
    return await mount(device);
  } catch (error) {
    if (await isUnproved(host, keyPath(path))) {
      await removeMapped(host, mappedName(path));
      throw new Failure('disk-key', `cannot open the disk ${disk.name} by its migrated key: ${wordsOf(error)}`, {
        file: `${keyPath(path)}.bb.pending`,
        cause: error,
      });
    }
    log('ERROR', 'disks', `the disk ${disk.name} is damaged; it is being repaired: ${wordsOf(error)}`);
  }
  try {
    await copyDurable(files, image, `${image}.prebak`, 0o600);
    const check = ['e2fsck', '-f', '-y', device];
    await runProgram(host, `repair the disk ${disk.name}`, check, { timeout: longTimeout, good: repaired });
    await mount(device);
    log('WARN', 'disks', `the disk ${disk.name} is repaired; as it was before it is kept in ${image}.prebak`);
    return;
  } catch (error) {
    log('ERROR', 'disks', wordsOf(error));
  }
  await removeMapped(host, mappedName(path));
  const backup = `${image}.goodbak`;
  if ((await files.status(backup)) === undefined)
    throw new Failure(
      'disk-damaged',
      `cannot open the disk ${disk.name}: it is damaged, cannot be repaired, and has no backup`,
      {
        file: image,
      },
    );
  log('WARN', 'disks', `the disk ${disk.name} is taken back to how it was made: ${backup}`);
  await copyDurable(files, backup, image, 0o600);
  device = await map(host, disk, path, image, false);
  await mount(device).catch(async (cause) => {
    await removeMapped(host, mappedName(path));
    throw new Failure('disk-damaged', `cannot open the disk ${disk.name}, not even as it was made: ${wordsOf(cause)}`, {
      file: image,
      cause,
    });
  });
  await removeDurable(files, `${image}.new`);
}
