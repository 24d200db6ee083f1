/**
 * Safe patterns over the single steps of the port `Files`. Every change of the storage goes through one of them. Each says what
 * is found after a power cut at any moment inside it; when the returned promise has resolved, the change is durable.
 */
import { type Files, HostError } from '../host/ports.ts';

/** Directory part of an absolute path. */
export function parentOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}

/** Last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof HostError && error.code === code;
}

/** Runs an action whose failing with `code` is as good as success; true when it really ran. */
export async function unlessCode(code: string, action: Promise<unknown>): Promise<boolean> {
  try {
    await action;
    return true;
  } catch (error) {
    if (isCode(error, code)) return false;
    throw error;
  }
}

/** Longer names are shortened in temporary names, so that these fit into NAME_MAX even when every character takes three bytes. */
const longestKept = 80;

/**
 * The file that a durable write of `path` uses on its way; one that is left over counts for nothing. It is hidden, since a state or
 * metadata may well have the keys `x` and `x.tmp` side by side.
 */
export function temporaryOf(path: string): string {
  const name = nameOf(path);
  const half = longestKept / 2;
  const kept = name.length <= longestKept ? name : `${name.slice(0, half)}~${name.slice(-half)}`;
  return `${parentOf(path)}/.${kept}.tmp`;
}

/**
 * Content under a temporary name, durable, then moved over `path`. Leaves no temporary file when something fails.
 * One writer per path at a time: the temporary name is the same for all.
 */
async function replaceBy(files: Files, path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryOf(path);
  await unlessCode('ENOENT', files.unlink(temporary));
  try {
    await fill(temporary);
    await files.sync(temporary);
    await files.rename(temporary, path);
  } catch (error) {
    await files.unlink(temporary).catch(() => undefined);
    throw error;
  }
  await files.syncDirectory(parentOf(path));
}

/** Replaces or creates a file. Cut: the old content or the new, whole; maybe a temporary file beside it. */
export async function writeDurable(files: Files, path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  await replaceBy(files, path, (temporary) => files.write(temporary, data, { mode, exclusive: true }));
}

/** Copies a file. Cut: the old target or the whole copy. */
export async function copyDurable(files: Files, from: string, to: string, mode: number): Promise<void> {
  await replaceBy(files, to, (temporary) => files.copy(from, temporary, mode));
}

/** Moves a finished file into place in the same directory. Cut: the old target or the whole new file; its content is durable before. */
export async function renameDurable(files: Files, from: string, to: string): Promise<void> {
  await files.sync(from);
  await files.rename(from, to);
  await files.syncDirectory(parentOf(to));
  if (parentOf(from) !== parentOf(to)) await files.syncDirectory(parentOf(from));
}

/** Makes `path` a further name of a file, whatever was there. Cut: what was there before, or the link. */
export async function linkDurable(files: Files, existing: string, path: string): Promise<void> {
  await linkReplacing(files, existing, path);
  await files.syncDirectory(parentOf(path));
}

/** {@link linkDurable} without the last step, for callers that link many files and then sync each directory once. */
export async function linkReplacing(files: Files, existing: string, path: string): Promise<void> {
  if (await unlessCode('EEXIST', files.link(existing, path))) return;
  const temporary = temporaryOf(path);
  await unlessCode('ENOENT', files.unlink(temporary));
  await files.link(existing, temporary);
  await files.rename(temporary, path);
  // A rename between two names of one file does nothing, so the temporary name may still be there.
  await unlessCode('ENOENT', files.unlink(temporary));
}

/** Points a symbolic link somewhere. Cut: the old link or the new one. */
export async function replaceSymlink(files: Files, target: string, path: string): Promise<void> {
  const temporary = temporaryOf(path);
  await unlessCode('ENOENT', files.unlink(temporary));
  await files.symlink(target, temporary);
  await files.rename(temporary, path);
  await files.syncDirectory(parentOf(path));
}

/** Removes a file; none there is fine. Cut: it is there or not. */
export async function removeDurable(files: Files, path: string): Promise<void> {
  if (await unlessCode('ENOENT', files.unlink(path))) await files.syncDirectory(parentOf(path));
}

/** Makes a directory and its missing parents. Cut: the first few of them are there. Existing ones keep their mode. */
export async function makeTree(files: Files, path: string, mode = 0o755): Promise<void> {
  const missing: string[] = [];
  for (let at = path; (await files.status(at, { follow: true })) === undefined; at = parentOf(at)) missing.unshift(at);
  for (const directory of missing) {
    await unlessCode('EEXIST', files.makeDirectory(directory, mode));
    try {
      await files.syncDirectory(parentOf(directory));
    } catch (error) {
      // Whoever finds it there next time takes it for durable.
      await files.removeDirectory(directory).catch(() => undefined);
      throw error;
    }
  }
}

/**
 * Removes whatever is at a path, directories depth first; nothing there is fine. Cut: any part of it may be left, so rename it to a name
 * that does not count before.
 */
export async function removeTree(files: Files, path: string): Promise<void> {
  const status = await files.status(path);
  if (status === undefined) return;
  if (status.kind === 'directory') await emptyTree(files, path);
  await (status.kind === 'directory' ? files.removeDirectory(path) : files.unlink(path));
  await files.syncDirectory(parentOf(path));
}

/** Removes everything below a directory. Nothing inside needs to be durable before the directory itself goes. */
async function emptyTree(files: Files, directory: string): Promise<void> {
  for (const { name, kind } of await files.list(directory)) {
    const path = `${directory}/${name}`;
    if (kind === 'directory') {
      await emptyTree(files, path);
      await files.removeDirectory(path);
    } else await files.unlink(path);
  }
}

/** Makes the entries of several directories durable, inner ones first. */
export async function syncDirectories(files: Files, directories: Iterable<string>): Promise<void> {
  const inner = Array.from(directories).sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  for (const directory of inner) await files.syncDirectory(directory);
}

/** Text of a file, or undefined when it is not there or larger than `limit` bytes. */
export async function readIfThere(files: Files, path: string, limit?: number): Promise<string | undefined> {
  try {
    return await files.readText(path, limit);
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR') || isCode(error, 'EFBIG')) return undefined;
    throw error;
  }
}
