/** Kernel modules of what the machine is made of: each device says what it is, and modprobe knows who drives such a thing. */
import type { Host } from '../host/ports.ts';
import type { InitLog } from './start.ts';

const modprobe = '/sbin/modprobe';
const timeout = 60_000;
/** Aliases in one call of modprobe. */
const batch = 200;
/** A driver finds devices of its own, which need drivers again: a bus on a bus on a bus. */
const mostRounds = 6;
const listDirectories = ['/lib/modules-load.d', '/etc/modules-load.d'];

type Parts = Pick<Host, 'files' | 'processes' | 'system'>;

/**
 * Loads modules that are listed (`*.conf` of modules-load.d(5)) and those of all devices that are there now. What is not there, or has
 * no driver, is no mistake. Does nothing when the kernel's modules are not in the root file system.
 */
export async function loadModules(host: Parts, log: InitLog): Promise<void> {
  const { files, system } = host;
  if ((await files.status(`/lib/modules/${system.kernelRelease}/modules.dep`, { follow: true })) === undefined) return;
  const listed = await listedModules(host);
  if (listed.length > 0) await probe(host, listed, log);
  await loadModulesOfDevices(host, log);
}

/** Loads the modules of devices that have none yet; for devices that come later than the start, too. */
export async function loadModulesOfDevices(host: Parts, log: InitLog): Promise<void> {
  const seen = new Set<string>();
  for (let round = 0; round < mostRounds; round += 1) {
    const fresh = (await deviceAliases(host)).filter((alias) => !seen.has(alias));
    if (fresh.length === 0) return;
    for (const alias of fresh) seen.add(alias);
    await probe(host, fresh, log);
  }
}

async function listedModules({ files }: Parts): Promise<string[]> {
  const names: string[] = [];
  for (const directory of listDirectories)
    for (const { name } of await files.list(directory).catch(() => [])) {
      if (!name.endsWith('.conf')) continue;
      const text = await files.readText(`${directory}/${name}`, 64 * 1024).catch(() => '');
      for (const line of text.split('\n')) if (/^\s*[^#;\s]/.test(line)) names.push(line.trim());
    }
  return names;
}

/** `modalias` of every device of every bus. */
async function deviceAliases({ files }: Parts): Promise<string[]> {
  const aliases = new Set<string>();
  for (const { name: bus } of await files.list('/sys/bus').catch(() => []))
    for (const { name } of await files.list(`/sys/bus/${bus}/devices`).catch(() => [])) {
      const alias = await files.readText(`/sys/bus/${bus}/devices/${name}/modalias`, 4096).catch(() => '');
      if (alias.trim() !== '') aliases.add(alias.trim());
    }
  return [...aliases];
}

async function probe({ processes }: Parts, names: readonly string[], log: InitLog): Promise<void> {
  for (let begin = 0; begin < names.length; begin += batch) {
    const result = await processes
      .run([modprobe, '-a', '-q', '-b', ...names.slice(begin, begin + batch)], { timeout })
      .catch((error: Error) => error);
    if (result instanceof Error) log('WARN', result.message);
    else if (result.timedOut) log('WARN', `cannot load kernel modules within ${timeout / 1000} s`);
  }
}
