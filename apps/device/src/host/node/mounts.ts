import { readFile } from 'node:fs/promises';
import { mount, mountImage, nsexecArguments, unmount } from '@pantavisor/linux';
import { HostError, type MountEntry, type Mounts, type Processes } from '../ports.ts';
import { guarded } from './errors.ts';

function unescapeField(field: string): string {
  if (!field.includes('\\')) return field;
  // The kernel escapes single bytes of UTF-8, so they are put together as bytes.
  const bytes = Buffer.from(field, 'utf8').toString('latin1');
  const plain = bytes.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(plain, 'latin1').toString('utf8');
}

/**
 * Reads a mount table in the form of /proc/PID/mountinfo (proc(5)), oldest entry first.
 * Lines that do not have its shape are left out.
 */
export function parseMountInfo(text: string): (MountEntry & { root: string; superOptions: string })[] {
  const entries = [];
  for (const line of text.split('\n')) {
    const [own, shared] = line.split(' - ');
    const [, , device, root, target] = (own ?? '').split(' ');
    const [type, source, superOptions = ''] = (shared ?? '').split(' ');
    if (device === undefined || root === undefined || target === undefined) continue;
    if (type === undefined || source === undefined) continue;
    entries.push({
      source: unescapeField(source),
      target: unescapeField(target),
      type,
      device,
      root: unescapeField(root),
      superOptions,
    });
  }
  return entries;
}

/** Far longer than a mount takes. */
const mountTimeoutMs = 10_000;

/** The mount table of this process's namespace. */
export function createMounts(processes: Processes): Mounts {
  return {
    mount: (request) => guarded(`mount ${request.source} on`, request.target, () => mount(request)),
    mountImage: (request) => guarded(`mount image ${request.image} on`, request.target, () => mountImage(request)),
    mountFrom: ({ pid, source, target }) =>
      guarded(`mount ${source} of process ${pid} on`, target, async () => {
        const argv = nsexecArguments(pid, ['mnt'], { verb: 'mount', path: source, target });
        const { code, stderr } = await processes.run(argv, { timeout: mountTimeoutMs });
        if (code !== 0) throw new HostError('EIO', `mount ${source} of process ${pid} on`, target, stderr.trim());
      }),
    unmount: (target, { detach = false } = {}) =>
      guarded('unmount', target, () => unmount(target, detach ? ['nofollow', 'detach'] : ['nofollow'])),
    list: () =>
      guarded('read', '/proc/self/mountinfo', async () =>
        parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8')).map(({ source, target, type, device }) => ({
          source,
          target,
          type,
          device,
        })),
      ),
  };
}
