/** AppArmor profiles of the installation, loaded before any container that may name one (boot.md §2; apparmor_parser(8)). */
import type { DeviceConfig } from '../config/table.ts';
import { type Host, HostError } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';

const parser = 'apparmor_parser';
/** Milliseconds for one profile: a processor without much power takes seconds for a large one. */
const patience = 60_000;

/**
 * Loads the profiles that PV_SYSTEM_APPARMOR_PROFILES names, or every one of them for `all`. One that cannot be loaded is said; a container
 * that names it does not start, and the others do.
 */
export async function loadSecurityProfiles(
  { files, processes }: Pick<Host, 'files' | 'processes'>,
  config: Pick<DeviceConfig, 'PV_SYSTEM_APPARMOR_PROFILES' | 'PV_SYSTEM_ETCDIR'>,
  log: Log,
): Promise<void> {
  const wanted = config.PV_SYSTEM_APPARMOR_PROFILES?.trim() ?? '';
  if (wanted === '') return;
  const directory = `${config.PV_SYSTEM_ETCDIR}/apparmor.d`;
  const names = wanted === 'all' ? await profilesIn(files, directory) : wanted.split(',').map((name) => name.trim());
  for (const name of names) {
    if (name === '') continue;
    if (name.includes('/') || name.startsWith('.')) {
      log(
        'ERROR',
        'security',
        `cannot load the profile ${JSON.stringify(name)}: it is no name of a file in ${directory}`,
      );
      continue;
    }
    try {
      const { code, signal, stderr } = await processes.run([parser, '-r', `${directory}/${name}`], {
        timeout: patience,
      });
      if (code !== 0) throw new Error(stderr.trim().split('\n').at(-1) || `exit ${code ?? signal}`);
      log('INFO', 'security', `profile ${name} is loaded`);
    } catch (error) {
      log('ERROR', 'security', `cannot load the profile ${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

async function profilesIn(files: Host['files'], directory: string): Promise<string[]> {
  try {
    return (await files.list(directory)).flatMap(({ name, kind }) => (kind === 'directory' ? [] : [name]));
  } catch (error) {
    if (error instanceof HostError && error.code === 'ENOENT') return [];
    throw error;
  }
}
