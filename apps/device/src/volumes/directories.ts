/** Directory trees, from the single steps of the files port. */
import { type Files, HostError } from '../host/ports.ts';

const isCode = (error: unknown, code: string) => error instanceof HostError && error.code === code;

/** Makes a directory and its parents; one that is there is left as it is. */
export async function makeDirectories(files: Files, path: string, mode = 0o755): Promise<void> {
  try {
    await files.makeDirectory(path, mode);
  } catch (error) {
    if (isCode(error, 'EEXIST')) return;
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (!isCode(error, 'ENOENT') || parent === '') throw error;
    await makeDirectories(files, parent, mode);
    await files.makeDirectory(path, mode).catch((later) => {
      if (!isCode(later, 'EEXIST')) throw later;
    });
  }
}

/** Removes whatever is at a path, with everything below it; nothing there is fine. Never follows a symbolic link. */
export async function removeTree(files: Files, path: string): Promise<void> {
  const status = await files.status(path);
  if (status === undefined) return;
  if (status.kind !== 'directory') return files.unlink(path);
  await emptyDirectory(files, path);
  await files.removeDirectory(path);
}

/** Removes everything in a directory. */
export async function emptyDirectory(files: Files, path: string): Promise<void> {
  for (const { name } of await files.list(path)) await removeTree(files, `${path}/${name}`);
}

/** Copies files and directories, following symbolic links, with their modes. */
export async function copyTree(files: Files, from: string, to: string): Promise<void> {
  const status = await files.status(from, { follow: true });
  if (status === undefined) throw new HostError('ENOENT', 'copy', from);
  if (status.kind !== 'directory') return files.copy(from, to, status.mode);
  await makeDirectories(files, to);
  await files.changeMode(to, status.mode);
  for (const { name } of await files.list(from)) await copyTree(files, `${from}/${name}`, `${to}/${name}`);
}
