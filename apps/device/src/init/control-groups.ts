/** Control group hierarchies of a device: v1 controllers and an empty v2 tree beside them, as containers of the original expect (boot.md §3). */
import { type Files, HostError, type Mounts } from '../host/ports.ts';
import { makeDirectories } from '../volumes/directories.ts';
import type { InitLog } from './start.ts';

const root = '/sys/fs/cgroup';

/** Hierarchies without a controller, by which processes are told apart. */
const named = ['systemd', 'pantavisor'];

/** Mounted as far as the kernel has them; some come in pairs where the kernel allows it. */
const controllers = [
  'blkio',
  'cpu,cpuacct',
  'cpuset',
  'devices',
  'freezer',
  'hugetlb',
  'memory',
  'net_cls,net_prio',
  'perf_event',
  'pids',
  'rdma',
];

const flags = ['nosuid', 'nodev', 'noexec'] as const;

/**
 * Mounts the hierarchies unless there are some already, as there are after a restart of the runtime.
 * @throws HostError when the device's own hierarchies cannot be mounted
 */
export async function mountControlGroups(
  { files, mounts }: { files: Files; mounts: Mounts },
  log: InitLog,
): Promise<void> {
  if ((await mounts.list()).some(({ target }) => target === `${root}/unified`)) return;
  await mounts.mount({ source: 'tmpfs', target: root, type: 'tmpfs', flags: [...flags], data: 'mode=0755' });
  for (const name of named) await mountOne({ files, mounts }, name, 'cgroup', `none,name=${name}`);
  for (const names of controllers) {
    try {
      await mountOne({ files, mounts }, names, 'cgroup', names);
    } catch (error) {
      await files.removeDirectory(`${root}/${names}`).catch(() => undefined);
      log('DEBUG', `cannot mount the control group ${names}: ${error instanceof HostError ? error.code : error}`);
      continue;
    }
    // Programs look for `cpu` as well as for the pair.
    const parts = names.split(',');
    if (parts.length > 1) for (const part of parts) await files.symlink(names, `${root}/${part}`);
  }
  await mountOne({ files, mounts }, 'unified', 'cgroup2', 'nsdelegate');
}

async function mountOne(
  { files, mounts }: { files: Files; mounts: Mounts },
  name: string,
  type: string,
  data: string,
): Promise<void> {
  const target = `${root}/${name}`;
  await makeDirectories(files, target);
  await mounts.mount({ source: type === 'cgroup2' ? 'cgroup2' : 'cgroup', target, type, flags: [...flags], data });
}
