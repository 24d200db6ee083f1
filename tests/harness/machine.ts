/** The whole machine as a test can compare it before and after: nothing may be new when a device has ended. */
import { globSync, readdirSync, readFileSync } from 'node:fs';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended in the meantime.
    return '';
  }
}

/** What devices make, whoever made it, one line each: mounts, control groups, monitors. */
function machineState(): string[] {
  const mounts = read('/proc/self/mountinfo')
    .split('\n')
    .map((line) => `mount: ${line.split(' ').slice(3, 5).join(' ')}`);
  const monitors = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`)
    .filter((line) => line.includes('[lxc monitor]'));
  const groups = globSync('/sys/fs/cgroup/**/{pantavisor-*,lxc.*}').map((path) => `control group: ${path}`);
  return [...mounts, ...monitors, ...groups];
}

/**
 * Watches what the machine has more of, beside what belongs to other devices: those may run, start and end at the same time.
 * @param id of the device that is tested, in `/run/pantavisor/<id>`
 * @returns a function that lists what has come since
 */
export function watchMachine(id: string): () => string[] {
  const before = new Set(machineState());
  const ofOthers = new RegExp(`(/run/pantavisor/|pantavisor-)(?!${id})[0-9a-f]{8}`);
  return () => machineState().filter((line) => !before.has(line) && !ofOthers.test(line));
}
