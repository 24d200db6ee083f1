/** What a device leaves on the machine, found from outside: nothing of it may be there when it has ended. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';

/** Read, or empty when it has gone in the meantime. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function processes(words: string[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      const groups = read(`/proc/${pid}/cgroup`);
      // Ended, and only waiting for whoever is its parent by now.
      if (/^State:\s+Z/m.test(read(`/proc/${pid}/status`))) return [];
      return words.some((word) => command.includes(word) || groups.includes(word))
        ? [`process ${pid}: ${command}`]
        : [];
    });
}

/**
 * Lists mounts, loop devices, control groups, bridges, directories and processes of one device.
 * @param storage directory of the device, absolute, without symbolic links
 * @param bridge name of a bridge that the device made, when it made one
 * @returns one line for each; empty when nothing is left
 */
export function tracesOf(storage: string, bridge?: string): string[] {
  const id = createHash('sha256').update(storage).digest('hex').slice(0, 8);
  const words = [`/run/pantavisor/${id}`, `pantavisor-${id}`, storage];
  const mentions = (text: string) => words.some((word) => text.includes(word));
  return [
    ...read('/proc/self/mountinfo')
      .split('\n')
      .filter(mentions)
      .map((line) => `mount: ${line}`),
    ...globSync('/sys/block/loop*/loop/backing_file')
      .filter((path) => mentions(read(path)))
      .map((path) => `loop device: ${path} ${read(path).trim()}`),
    ...globSync(`/sys/fs/cgroup/**/pantavisor-${id}*`).map((path) => `control group: ${path}`),
    ...(bridge !== undefined && existsSync(`/sys/class/net/${bridge}`) ? [`bridge: ${bridge}`] : []),
    ...[`/run/pantavisor/${id}`].filter((path) => existsSync(path)).map((path) => `directory: ${path}`),
    ...processes(words),
  ];
}
