/** Keeps two pvr from changing one repository at the same time. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Failure } from '@pantavisor/cli';

/**
 * Runs work while holding a lock file. A lock whose process is gone counts as none.
 * @throws Failure `repository-busy`
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  take(path);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): void {
  for (let attempt = 0; ; attempt += 1) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      const owner = Number(read(path));
      if (isAlive(owner) || attempt > 0)
        throw new Failure('repository-busy', `cannot change the repository: process ${owner} is changing it`, {
          cause,
          hint: `wait for it to end, or remove ${path} if it is no pvr`,
        });
      rmSync(path, { force: true });
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Whether a process of this machine has the number. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
