/**
 * Debian's static libraries, musl among them; those of another architecture without making the machine a multi-architecture one: apt works on lists
 * and a status of its own, and the packages are unpacked, not installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from './toolchain.ts';

const packages = ['musl-dev', 'libmbedtls-dev', 'zlib1g-dev'];

/** Where the libraries of a target are. */
export interface StaticLibraries {
  /** Holds `libc.a` and the files that programs begin and end with. */
  musl: string;
  muslHeaders: string;
  /** Holds those of mbedTLS and zlib. */
  folder: string;
}

/**
 * Finds the static libraries of a target: the system's own, or packages fetched into `cache`.
 * @throws Error with apt's own words when they cannot be fetched
 */
export function librariesOf(target: Target, cache: string, say: (line: string) => void): StaticLibraries {
  const root = join(cache, 'debian');
  const below = (prefix: string): StaticLibraries => ({
    musl: join(prefix, 'usr/lib', target.musl),
    muslHeaders: join(prefix, 'usr/include', target.musl),
    folder: join(prefix, 'usr/lib', target.libraries),
  });
  const isThere = ({ musl, folder }: StaticLibraries) =>
    ['libmbedcrypto.a', 'libz.a'].every((name) => existsSync(join(folder, name))) && existsSync(join(musl, 'libc.a'));
  const known = ['/', root].map(below).find(isThere);
  if (known) return known;
  say(`fetching Debian's ${packages.join(' and ')} for ${target.debianArchitecture}`);
  const work = join(cache, `apt-${process.pid}`);
  const downloads = join(work, 'packages');
  for (const path of ['lists/partial', 'cache/archives/partial', 'packages'])
    mkdirSync(join(work, path), { recursive: true });
  try {
    writeFileSync(join(work, 'status'), '');
    const settings = [
      `APT::Architecture=${target.debianArchitecture}`,
      `APT::Architectures::=${target.debianArchitecture}`,
      `APT::Sandbox::User=root`,
      `Acquire::Languages=none`,
      `Dir::State::lists=${join(work, 'lists')}`,
      `Dir::State::status=${join(work, 'status')}`,
      `Dir::Cache=${join(work, 'cache')}`,
    ].flatMap((setting) => ['-o', setting]);
    // Other sources of the machine may know nothing of this architecture; whether the packages come is what counts.
    spawnSync('apt-get', [...settings, '-qq', 'update'], { encoding: 'utf8' });
    const { status, stderr } = spawnSync('apt-get', [...settings, '-qq', 'download', ...packages], {
      encoding: 'utf8',
      cwd: downloads,
    });
    if (status !== 0)
      throw new Error(`cannot fetch ${packages.join(', ')} for ${target.debianArchitecture}: ${stderr.trim()}`);
    const unpacked = join(work, 'root');
    for (const name of readdirSync(downloads)) {
      const result = spawnSync('dpkg-deb', ['-x', join(downloads, name), unpacked], { encoding: 'utf8' });
      if (result.status !== 0) throw new Error(`cannot unpack ${name}: ${result.stderr}`);
    }
    rmSync(root, { recursive: true, force: true });
    renameSync(unpacked, root);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return below(root);
}
