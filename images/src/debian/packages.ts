/**
 * Debian packages as material: fetched with apt, unpacked with dpkg-deb, never installed, of any architecture. apt works on lists and a
 * status of its own, so that the machine's are not touched; each package is kept in a cache folder by name.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type DebianArchitecture = 'amd64' | 'arm64' | 'armhf';

/** One unpacked package. */
export interface DebianPackage {
  name: string;
  version: string;
  architecture: DebianArchitecture | 'all';
  /** SHA-256 of the package file, 64 hex digits. */
  sha256: string;
  /** Folder with its files, as they would lie below `/`. */
  root: string;
  /** What it depends on, as in its control file. */
  depends: string;
}

export interface DebianCache {
  /** Folder for packages; created when missing. Safe for several processes at once. */
  folder: string;
  /** Told what takes long. */
  say: (line: string) => void;
}

const record = 'package.json';

async function readRecord(home: string): Promise<DebianPackage | undefined> {
  const path = join(home, record);
  if (!existsSync(path)) return undefined;
  return { ...(JSON.parse(await readFile(path, 'utf8')) as DebianPackage), root: join(home, 'root') };
}

/** Options that make apt work below `work` only, for one architecture. */
function aptSettings(work: string, architecture: DebianArchitecture): string[] {
  return [
    `APT::Architecture=${architecture}`,
    `APT::Architectures::=${architecture}`,
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::Retries=3',
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::State::status=${join(work, 'status')}`,
    `Dir::Cache=${join(work, 'cache')}`,
  ].flatMap((setting) => ['-o', setting]);
}

/** Fetches package files into `target`. Lists of packages are kept in `home`, and fetched anew only when it does not work without. */
async function download(
  names: string[],
  architecture: DebianArchitecture,
  home: string,
  target: string,
): Promise<void> {
  for (const path of ['lists/partial', 'cache/archives/partial']) await mkdir(join(home, path), { recursive: true });
  await writeFile(join(home, 'status'), '');
  const settings = aptSettings(home, architecture);
  // Two at once would be in each other's way, and apt does not wait.
  const apt = (...argv: string[]) =>
    run('flock', [join(home, 'turn'), 'apt-get', ...settings, '-qq', ...argv], { cwd: target });
  const fetch = () => apt('download', ...names);
  await fetch().catch(async () => {
    // Other sources of the machine may know nothing of this architecture; whether the packages come is what counts.
    await apt('update').catch(() => {});
    await fetch();
  });
}

async function unpack(file: string, home: string): Promise<void> {
  const fields = await run('dpkg-deb', ['-f', file, 'Package', 'Version', 'Architecture', 'Depends']);
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(fields.stdout)?.[1] ?? '';
  const work = `${home}.${process.pid}`;
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, 'root'), { recursive: true });
  await run('dpkg-deb', ['-x', file, join(work, 'root')]);
  const description: Omit<DebianPackage, 'root'> = {
    name: field('Package'),
    version: field('Version'),
    architecture: field('Architecture') as DebianArchitecture,
    sha256: createHash('sha256')
      .update(await readFile(file))
      .digest('hex'),
    depends: field('Depends'),
  };
  await writeFile(join(work, record), `${JSON.stringify(description, null, 2)}\n`);
  try {
    await rename(work, home);
  } catch (cause) {
    await rm(work, { recursive: true, force: true });
    // Another process was faster: the same package is there.
    if ((cause as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw cause;
  }
}

/**
 * Gives packages unpacked, from the cache where they are, else with apt from the sources of this machine. A package that is in the cache
 * is not looked for in a newer version; remove its folder for that.
 * @param names packages, without version
 * @throws Error with apt's own words when one cannot be fetched
 */
export async function debianPackages(
  names: readonly string[],
  architecture: DebianArchitecture,
  { folder, say }: DebianCache,
): Promise<DebianPackage[]> {
  const homes = names.map((name) => join(folder, architecture, name));
  const missing = names.filter((_, index) => !existsSync(join(homes[index] ?? '', record)));
  if (missing.length > 0) {
    say(`fetching Debian packages for ${architecture}: ${missing.join(' ')}`);
    await mkdir(join(folder, architecture), { recursive: true });
    const work = await mkdtemp(join(folder, architecture, '.fetching-'));
    try {
      await download(missing, architecture, join(folder, architecture, '.apt'), work);
      for (const file of await readdir(work)) {
        const name = file.slice(0, file.indexOf('_'));
        await unpack(join(work, file), join(folder, architecture, name));
      }
    } catch (cause) {
      const detail = (cause as { stderr?: string }).stderr?.trim() || (cause as Error).message;
      throw new Error(`cannot fetch the Debian packages ${missing.join(', ')} for ${architecture}: ${detail}`, {
        cause,
      });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return Promise.all(
    homes.map(async (home, index) => {
      const found = await readRecord(home);
      if (found === undefined)
        throw new Error(`cannot find the Debian package ${names[index]} in ${home} after fetching it`);
      return found;
    }),
  );
}
