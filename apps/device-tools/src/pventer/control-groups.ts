/** Joining the control groups of a process, so that the device takes what runs then for a part of that container (tools.md §4). */
import type { ToolHost } from '../host/ports.ts';

/** Where the kernel shows each hierarchy, from /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function mountOf(mountInfo: string, id: string, controllers: string): string | undefined {
  for (const line of mountInfo.split('\n')) {
    const [head = '', tail = ''] = line.split(' - ');
    const target = head.split(' ')[4];
    const [type, , options = ''] = tail.split(' ');
    const first = controllers.split(',')[0] ?? '';
    if (id === '0' ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(first)) return target;
  }
  return undefined;
}

/** Moves this process into every control group that another one is in. @throws the kernel's error */
export async function joinControlGroups({ files, pid: self }: ToolHost, pid: number): Promise<void> {
  const mounts = await files.readText('/proc/self/mountinfo');
  for (const line of (await files.readText(`/proc/${pid}/cgroup`)).trim().split('\n')) {
    const [id = '', controllers = '', ...path] = line.split(':');
    const [mount, group] = [mountOf(mounts, id, controllers), path.join(':')];
    if (mount !== undefined && group !== '/') files.overwrite(`${mount}${group}/cgroup.procs`, String(self));
  }
}
