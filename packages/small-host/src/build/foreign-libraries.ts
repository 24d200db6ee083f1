/**
 * Debian's static libraries of another architecture, without making the machine a multi-architecture one: apt works on lists and
 * a status of its own, and the packages are unpacked, not installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from './toolchain.ts';

const packages = ['libmbedtls-dev', 'zlib1g-dev'];
/** The one that is looked for to know whether all are there. */
const landmark = 'libmbedcrypto.a';

/**
 * Folder with the static libraries of a target: the system's own, or packages fetched into `cache`.
 * @throws Error with apt's own words when they cannot be fetched
 */
export function librariesOf(target: Target, cache: string, say: (line: string) => void): string {
  if (existsSync(join(target.libraries, landmark))) return target.libraries;
  const root = join(cache, 'debian');
  const folder = join(root, target.libraries);
  if (existsSync(join(folder, landmark))) return folder;
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
  return folder;
}
