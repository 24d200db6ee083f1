/** Programs of the installation that run at certain moments (boot.md §8). */
import { type Host, HostError } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';

/** Moments, as the programs see them in PV_OP. */
export type SystemMoment =
  | 'system-start'
  | 'system-done'
  | 'system-before-install-update'
  | 'system-after-install-update'
  | 'system-install-update'
  | 'system-boot-done';

const hookTimeoutMs = 60_000;

/**
 * Runs `<L>/pv/hooks/system.d/*` in order of their names. The first that fails ends the run.
 * @param environment variables beside PV_OP
 * @returns false when a program failed, which was logged
 */
export async function runSystemHooks(
  { files, processes }: Pick<Host, 'files' | 'processes'>,
  library: string,
  moment: SystemMoment,
  environment: Record<string, string>,
  log: Log,
): Promise<boolean> {
  for (const path of await executables(files, `${library}/hooks/system.d`)) {
    const result = await processes.run([path], {
      environment: { ...environment, PV_OP: moment },
      timeout: hookTimeoutMs,
    });
    const name = path.slice(path.lastIndexOf('/') + 1);
    for (const line of result.stdout.split('\n')) if (line !== '') log('INFO', name, line);
    for (const line of result.stderr.split('\n')) if (line !== '') log('WARN', `${name}_err`, line);
    if (result.code === 0) continue;
    const how = result.timedOut ? `no end after ${hookTimeoutMs / 1000} s` : `exit ${result.code ?? result.signal}`;
    log('ERROR', 'hooks', `cannot finish ${moment}: ${path} failed (${how})`);
    return false;
  }
  return true;
}

/** Programs that LXC runs when it mounts a root file system; exports are the runtime's own business (containers.md §3.3). */
export async function mountHooks(files: Host['files'], library: string): Promise<string[]> {
  const all = await executables(files, `${library}/hooks_lxc-mount.d`);
  return all.filter((path) => !/\/export\.sh[^/]*$/.test(path));
}

/** Executable files of a directory, links followed, sorted; none when there is no directory. */
async function executables(files: Host['files'], directory: string): Promise<string[]> {
  let entries: { name: string }[];
  try {
    entries = await files.list(directory);
  } catch (error) {
    if (error instanceof HostError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
  const found: string[] = [];
  for (const { name } of entries) {
    const status = await files.status(`${directory}/${name}`, { follow: true });
    if (status?.kind === 'file' && (status.mode & 0o111) !== 0) found.push(`${directory}/${name}`);
  }
  return found;
}
