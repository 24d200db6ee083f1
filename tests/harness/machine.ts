/** The whole machine as a test can compare it before and after: what must be the same when every device has ended. */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';

/** Counts what devices make, whoever made it; other tests run at other times. */
export function machineState(): Record<string, string[]> {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ').slice(4, 5).join(' '));
  const monitors = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}/cmdline`)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('[lxc monitor]');
    } catch {
      return false;
    }
  });
  return {
    mounts: mounts.sort(),
    loops: globSync('/sys/block/loop*/loop/backing_file').sort(),
    groups: globSync('/sys/fs/cgroup/**/{pantavisor-*,lxc.*}').sort(),
    interfaces: readdirSync('/sys/class/net').sort(),
    monitors: monitors.sort(),
  };
}
