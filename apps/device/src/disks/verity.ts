/** Verified volumes: a file system image that the kernel checks block by block against a hash tree (boot.md §6; dm-verity). */
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { runProgram } from '../runtime/programs.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { createMapped, removeMapped, withLoop } from './mapper.ts';

export type VerityHost = Pick<Host, 'files' | 'mounts' | 'processes'>;

export interface VerityVolume {
  /** The volume's file in the revision, `<trail>/<container>/<file>`. */
  source: string;
  container: string;
  file: string;
}

interface Manifest {
  data: string;
  hash: string;
  rootHash: string;
}

export interface Superblock {
  hashType: number;
  algorithm: string;
  dataBlockSize: number;
  hashBlockSize: number;
  dataBlocks: number;
  salt: string;
}

const manifestLimit = 64 * 1024;
const superblockSize = 512;

/** Options of veritysetup(8) that PV_VOLMOUNT_DM_EXTRA_ARGS may hold, and what the kernel calls them. */
const options: Readonly<Record<string, string | undefined>> = {
  '--ignore-corruption': 'ignore_corruption',
  '--restart-on-corruption': 'restart_on_corruption',
  '--panic-on-corruption': 'panic_on_corruption',
  '--ignore-zero-blocks': 'ignore_zero_blocks',
  '--check-at-most-once': 'check_at_most_once',
};

/** Name of the mapped device. */
export function verityName({ container, file }: Pick<VerityVolume, 'container' | 'file'>): string {
  return `pv--dmverity--${container}-${file.replace(/\.[^.]*$/, '').replaceAll('/', '-')}`;
}

/**
 * Reads the superblock of a hash tree.
 * @param bytes its first 512 bytes
 * @throws Failure `verity-superblock`
 * @see cryptsetup wiki, DMVerity: on-disk format
 */
export function readSuperblock(bytes: Uint8Array, path: string): Superblock {
  const refuse = (why: string) =>
    new Failure('verity-superblock', `cannot use the hash tree ${path}: ${why}`, { file: path });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (from: number, length: number) => {
    let out = '';
    for (const byte of bytes.subarray(from, from + length)) {
      if (byte === 0) break;
      out += String.fromCharCode(byte);
    }
    return out;
  };
  if (bytes.length < superblockSize || text(0, 8) !== 'verity') throw refuse('it does not begin with a superblock');
  if (view.getUint32(8, true) !== 1) throw refuse(`its version is ${view.getUint32(8, true)}`);
  const saltSize = view.getUint16(80, true);
  const algorithm = text(32, 32);
  const [dataBlockSize, hashBlockSize] = [view.getUint32(64, true), view.getUint32(68, true)];
  const dataBlocks = view.getUint32(72, true) + view.getUint32(76, true) * 2 ** 32;
  if (saltSize > 256) throw refuse(`its salt has ${saltSize} bytes`);
  if (!/^[a-z0-9_-]+$/.test(algorithm)) throw refuse('the name of its algorithm is none');
  for (const size of [dataBlockSize, hashBlockSize])
    if (size < 512 || size > 524288 || (size & (size - 1)) !== 0) throw refuse(`a block has ${size} bytes`);
  let salt = '';
  for (const byte of bytes.subarray(88, 88 + saltSize)) salt += byte.toString(16).padStart(2, '0');
  return { hashType: view.getUint32(12, true), algorithm, dataBlockSize, hashBlockSize, dataBlocks, salt: salt || '-' };
}

/** Target line of dm-verity (kernel documentation, admin-guide/device-mapper/verity). */
export function verityTarget(
  block: Superblock,
  data: string,
  hash: string,
  rootHash: string,
  extra: readonly string[],
): string {
  const known = extra.flatMap((word) => options[word] ?? []);
  const start = Math.ceil(superblockSize / block.hashBlockSize);
  const words = [
    ...['verity', block.hashType, data, hash, block.dataBlockSize, block.hashBlockSize, block.dataBlocks, start],
    ...[block.algorithm, rootHash, block.salt],
    ...(known.length === 0 ? [] : [known.length, ...known]),
  ];
  return words.join(' ');
}

/**
 * Opens the volume and mounts it on `target`, read-only.
 * @param extra words of PV_VOLMOUNT_DM_EXTRA_ARGS
 * @throws Failure
 */
export async function mountVerity(
  host: VerityHost,
  volume: VerityVolume,
  target: string,
  extra: readonly string[],
): Promise<void> {
  const { data, hash, rootHash } = await readManifest(host, volume);
  const name = verityName(volume);
  await removeMapped(host, name);
  const block = readSuperblock(await firstBytes(host, hash), hash);
  const sectors = (block.dataBlocks * block.dataBlockSize) / 512;
  const device = await withLoop(host, data, true, (dataLoop) =>
    withLoop(host, hash, true, (hashLoop) =>
      createMapped(host, name, sectors, verityTarget(block, dataLoop, hashLoop, rootHash, extra), true),
    ),
  );
  try {
    await makeDirectories(host.files, target);
    const type = /\.([^.]+)$/.exec(volume.file)?.[1] ?? 'squashfs';
    await host.mounts.mount({ source: device, target, type, flags: ['readonly'] });
  } catch (cause) {
    await removeMapped(host, name).catch(() => undefined);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Failure(
      'verity-mount',
      `cannot mount the verified volume ${volume.file} of ${volume.container}: ${why}`,
      {
        file: data,
        hint: 'a block that differs from the hash tree cannot be read; the kernel log names it',
        cause,
      },
    );
  }
}

/** Closes what is no longer mounted. */
export function unmountVerity(host: VerityHost, volume: VerityVolume): Promise<void> {
  return removeMapped(host, verityName(volume));
}

async function readManifest({ files }: VerityHost, { source, file }: VerityVolume): Promise<Manifest> {
  const directory = source.slice(0, source.length - file.length - 1);
  const path = `${directory}/_dm/${file}.json`;
  const refuse = (why: string, cause?: unknown) =>
    new Failure('verity-manifest', `cannot use ${path}: ${why}`, {
      file: path,
      ...(cause === undefined ? {} : { cause }),
    });
  let manifest: Record<string, unknown>;
  try {
    const value: unknown = JSON.parse(await files.readText(path, manifestLimit));
    manifest = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const name = (key: string): string => {
    const value = manifest[key];
    if (typeof value !== 'string' || value === '' || value.startsWith('/') || value.split('/').includes('..'))
      throw refuse(`${key} is no name of a file beside the volume`);
    return `${directory}/${value}`;
  };
  if (manifest.type !== 'dm-verity') throw refuse(`its type is ${JSON.stringify(manifest.type)} and not "dm-verity"`);
  const rootHash = manifest.root_hash;
  if (typeof rootHash !== 'string' || !/^([0-9a-fA-F]{2}){16,64}$/.test(rootHash))
    throw refuse('root_hash is no hash in hex digits');
  return { data: name('data_device'), hash: name('hash_device'), rootHash };
}

/** The hash tree of a large image is large, too, and only its first block is of interest. */
async function firstBytes(host: VerityHost, path: string): Promise<Uint8Array> {
  const text = await runProgram(host, `read ${path}`, ['od', '-An', '-v', '-tx1', `-N${superblockSize}`, path]);
  return Uint8Array.from(text.trim().split(/\s+/), (word) => Number.parseInt(word, 16));
}
