/** Files of installed Debian packages, with the shared libraries that their programs need. */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, lstatSync, openSync, readSync, realpathSync } from 'node:fs';

/** Where to take a file from, and its absolute path in the root file system. */
export interface PackageFile {
  source: string;
  path: string;
}

/** What a program does not need to run. */
const documentation = /^\/usr\/share\/(doc|man|info|locale|lintian|bash-completion|doc-base)(\/|$)/;

function output(program: string, argv: string[], hint: string): string {
  try {
    return execFileSync(program, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (cause) {
    throw new Error(`cannot run ${program} ${argv.join(' ')}: ${hint}`, { cause });
  }
}

function isElfProgram(path: string): boolean {
  const magic = new Uint8Array(4);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, magic, 0, 4, 0);
  } finally {
    closeSync(descriptor);
  }
  return magic[0] === 0x7f && magic[1] === 0x45 && magic[2] === 0x4c && magic[3] === 0x46;
}

/** Libraries of dynamically linked programs as the loader finds them, the loader itself included. */
function libraries(programs: string[]): Set<string> {
  const found = new Set<string>();
  for (const program of programs) {
    for (const line of output('ldd', [program], 'is it a program of this machine?').split('\n')) {
      if (line.includes('not found')) throw new Error(`cannot find a library of ${program}: ${line.trim()}`);
      const path = /(?:=>\s+|^\s*)(\/\S+)/.exec(line)?.[1];
      if (path) found.add(path);
    }
  }
  return found;
}

/**
 * Lists what a root file system needs of the given packages: every file but the documentation, and the libraries of the programs.
 * @param names installed Debian packages
 * @throws when a package is not installed or a library is missing
 */
export function packageFiles(names: string[]): PackageFile[] {
  const files: PackageFile[] = [];
  const programs: string[] = [];
  for (const name of names) {
    const listing = output('dpkg-query', ['-L', name], `is the Debian package ${name} installed?`);
    for (const path of listing.split('\n')) {
      if (!path.startsWith('/') || documentation.test(path) || !existsSync(path)) continue;
      const status = lstatSync(path);
      if (status.isDirectory()) continue;
      files.push({ source: path, path });
      if (status.isFile() && (status.mode & 0o111) !== 0 && isElfProgram(path)) programs.push(path);
    }
  }
  for (const path of libraries(programs)) files.push({ source: realpathSync(path), path });
  return files;
}

/** Names of the programs that the installed busybox can be. */
export function busyboxApplets(): string[] {
  return output('/bin/busybox', ['--list'], 'is the Debian package busybox-static installed?')
    .split('\n')
    .filter((name) => name !== '');
}
