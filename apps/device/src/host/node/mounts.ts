import { readFile } from 'node:fs/promises';
import { mount, mountImage, nsexecArguments, unmount } from '@pantavisor/linux';
import { parseMountInfo } from '../mount-info.ts';
import { HostError, type Mounts, type Processes } from '../ports.ts';
import { guarded } from './errors.ts';

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
