/** Files that are either old or new, whenever the power goes: written beside, flushed, renamed. */
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces a file. When this returns, the new content survives a loss of power; a cut before leaves the old file.
 * @param mode of a new file
 */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o644): void {
  // A constant name would let two processes write into one file.
  const temporary = `${path}.${process.pid}.new`;
  try {
    const file = openSync(temporary, 'w', mode);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(dirname(path));
}

/** Makes renames and removals in a directory survive a loss of power. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } catch (error) {
    // Some network file systems cannot flush a directory; there is nothing better to do on them.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  } finally {
    closeSync(directory);
  }
}

/** From so many files on one flush of the whole file system is faster than one for each file. */
const manyFiles = 128;

/** Makes the contents of files survive a loss of power. @param directory that holds them all */
export async function flushFiles(directory: string, paths: readonly string[]): Promise<void> {
  if (paths.length >= manyFiles && (await syncFileSystem(directory))) return;
  for (const path of paths) {
    const file = openSync(path, 'r+');
    try {
      fdatasyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}

/** syncfs(2), by the program that has it; false when there is none. */
async function syncFileSystem(directory: string): Promise<boolean> {
  // Loading this takes longer than most commands that flush nothing.
  const { spawn } = await import('node:child_process');
  return new Promise((resolve) => {
    const child = spawn('sync', ['-f', directory], { stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
}
