/** An initramfs as a file. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { type CpioEntry, cpioArchive } from '../archive/cpio.ts';
import { type DebianKernel, debianKernel } from '../debian/kernel.ts';
import type { DebianArchitecture, DebianCache } from '../debian/packages.ts';
import { moduleArchive } from './modules.ts';
import { type InitramfsTree, initramfsTree } from './tree.ts';

/** `zstd`: smallest and quick to unpack. `gzip`: for kernels without zstd. `fast`: quickly made, for tests. */
export type Compression = 'zstd' | 'gzip' | 'fast';

export interface InitramfsRequest {
  architecture: DebianArchitecture;
  /** Debian packages. */
  packages: DebianCache;
  /** Folder for products; they are named by what they are made of, so a second call only looks. */
  folder: string;
  /** The static executable of the runtime for this architecture (apps/device/build-small.ts). */
  executable: string;
  configuration?: Readonly<Record<string, string>>;
  files?: ReadonlyMap<string, CpioEntry>;
  compression?: Compression;
}

export interface Initramfs {
  /** Compressed archive. */
  path: string;
  /** Bytes of it. */
  size: number;
  /** What is in it and why. */
  tree: InitramfsTree;
}

/** Compresses an archive so that the kernel can unpack it; the same bytes for the same archive. */
export function compress(archive: Uint8Array, compression: Compression): Uint8Array {
  if (compression === 'gzip') return gzipSync(archive, { level: 9 });
  const level = compression === 'fast' ? 3 : 19;
  // The kernel keeps the whole window beside the archive and what is unpacked: what small devices need most memory for is their start.
  return zstdCompressSync(archive, {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_windowLog]: 21,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
}

async function store(
  folder: string,
  name: string,
  archive: Uint8Array,
  compression: Compression,
): Promise<{ path: string; size: number }> {
  await mkdir(folder, { recursive: true });
  const hash = createHash('sha256').update(archive).update(compression).digest('hex').slice(0, 16);
  const path = join(folder, `${name}-${hash}.cpio.${compression === 'gzip' ? 'gz' : 'zst'}`);
  if (!existsSync(path)) {
    await writeFile(`${path}.${process.pid}`, compress(archive, compression));
    await rename(`${path}.${process.pid}`, path);
  }
  return { path, size: (await stat(path)).size };
}

/**
 * Builds the initramfs: everything a device needs besides the kernel and its modules.
 * @throws Error when a package, a program or a library is missing
 */
export async function buildInitramfs(request: InitramfsRequest): Promise<Initramfs> {
  const { architecture, packages, folder, executable, compression = 'zstd' } = request;
  const tree = await initramfsTree({
    architecture,
    cache: packages,
    executable,
    configuration: request.configuration ?? {},
    files: request.files ?? new Map(),
  });
  const archive = cpioArchive(new Map([...tree].map(([path, { entry }]) => [path, entry])));
  return { ...(await store(folder, `initramfs-${architecture}`, archive, compression)), tree };
}

/** Modules of a Debian kernel to append to the initramfs, which makes an addon of a board support part. */
export async function buildModuleAddon(request: {
  architecture: DebianArchitecture;
  packages: DebianCache;
  folder: string;
  compression?: Compression;
}): Promise<{ path: string; size: number; kernel: DebianKernel }> {
  const { architecture, packages, folder, compression = 'zstd' } = request;
  const kernel = await debianKernel(architecture, packages);
  const archive = await moduleArchive(kernel.release, kernel.modules);
  return { ...(await store(folder, `modules-${architecture}`, archive, compression)), kernel };
}
