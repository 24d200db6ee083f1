/** Small files about processes that outlive the runtime, so that the next runtime of the same boot finds them. */
import { readProc } from '../host/lxc/proc.ts';
import type { Files } from '../host/ports.ts';
import { parentOf, readIfThere } from '../storage/durable.ts';
import { makeDirectories } from '../volumes/directories.ts';

/** Pid and start time tell a process from a later one of the same pid (proc_pid_stat(5), field 22). */
async function identityOf(files: Files, pid: number): Promise<string | undefined> {
  const stat = await readProc(files, `/proc/${pid}/stat`);
  const start = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return start === undefined ? undefined : `${pid} ${start}`;
}

/** Writes down a process; one that has ended already leaves no note. @param path of the note, in a directory that is gone after a boot */
export async function noteProcess(files: Files, path: string, pid: number): Promise<void> {
  const identity = await identityOf(files, pid);
  if (identity === undefined) return;
  await makeDirectories(files, parentOf(path));
  await files.write(path, identity);
}

/** Pid of the process that was written down, when it still runs. */
export async function findNoted(files: Files, path: string): Promise<number | undefined> {
  const noted = await readIfThere(files, path);
  const pid = Number(noted?.split(' ')[0]);
  return noted !== undefined && noted === (await identityOf(files, pid)) ? pid : undefined;
}
