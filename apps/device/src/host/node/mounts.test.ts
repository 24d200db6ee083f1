import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { unmount } from '@pantavisor/linux';
import { parseMountInfo } from '../mount-info.ts';
import { testMounts } from '../testing/mounts.ts';
import { Children } from './children.ts';
import { createFiles } from './files.ts';
import { createMounts } from './mounts.ts';
import { createProcesses } from './processes.ts';

const run = promisify(execFile);

async function unmountBelow(directory: string): Promise<void> {
  const entries = parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'));
  for (const { target } of entries.reverse())
    if (target === directory || target.startsWith(`${directory}/`)) await unmount(target, ['detach']);
}

async function makeSquashfs(path: string, content: Record<string, string>): Promise<{ filesystem: string }> {
  const tree = await mkdtemp(`${tmpdir()}/node-host-tree-`);
  try {
    for (const [name, text] of Object.entries(content)) await writeFile(`${tree}/${name}`, text);
    await run('mksquashfs', [tree, path, '-noappend', '-no-progress', '-quiet', '-comp', 'gzip']);
  } finally {
    await rm(tree, { recursive: true });
  }
  return { filesystem: 'squashfs' };
}

if (process.getuid?.() === 0)
  testMounts('node', async () => {
    const top = await realpath(await mkdtemp(`${tmpdir()}/node-host-mounts-`));
    const directory = `${top}/here`;
    await mkdir(directory);
    return {
      mounts: createMounts(createProcesses(new Children())),
      files: createFiles(),
      directory,
      makeImage: makeSquashfs,
      dispose: async () => {
        await unmountBelow(directory);
        await rm(top, { recursive: true, force: true });
      },
    };
  });
else it.skip('mounts: node (needs root)');

describe('mountinfo', () => {
  it('reads all fields, whatever optional ones there are', () => {
    const text = [
      '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue',
      '40 36 0:38 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct',
      '41 36 0:39 / /a\\040b\\134\\303\\244 rw - tmpfs no\\011ne rw',
      'nonsense',
      '',
    ].join('\n');
    assert.deepEqual(parseMountInfo(text), [
      {
        source: '/dev/root',
        target: '/mnt2',
        type: 'ext3',
        device: '98:0',
        root: '/mnt1',
        superOptions: 'rw,errors=continue',
      },
      {
        source: 'cgroup',
        target: '/sys/fs/cgroup/cpu',
        type: 'cgroup',
        device: '0:38',
        root: '/',
        superOptions: 'rw,cpu,cpuacct',
      },
      { source: 'no\tne', target: '/a b\\ä', type: 'tmpfs', device: '0:39', root: '/', superOptions: 'rw' },
    ]);
  });
});
