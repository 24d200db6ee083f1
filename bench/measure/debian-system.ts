/** The reference of boot benchmarks: Debian's minimal system with systemd and LXC, made of Debian's packages once and kept. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  type CpioEntry,
  cpioArchive,
  debianKernel,
  moduleIndex,
  modulesWithDependencies,
} from '@pantavisor/images/debian';
import { compress } from '@pantavisor/images/initramfs';

export interface DebianSystem {
  /** Folder with its files, which belong to their owners. */
  root: string;
  kernel: string;
  /** Mounts the third partition of the first disk, and starts systemd there. */
  initrd: Uint8Array;
}

const early = ['virtio_pci', 'virtio_blk'];
const later = ['loop', 'squashfs', 'overlay', 'veth', 'bridge', 'virtio_net'];

const init = `#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
mount -t ext4 /dev/vda3 /root
umount /proc
mount --move /dev /root/dev
exec switch_root /root /sbin/init
`;

const encode = (text: string) => new TextEncoder().encode(text);

async function initramfs(kernel: Awaited<ReturnType<typeof debianKernel>>): Promise<Uint8Array> {
  const program = (content: Uint8Array): CpioEntry => ({ kind: 'file', mode: 0o755, content });
  const entries = new Map<string, CpioEntry>([
    ['init', program(encode(init))],
    ['bin/busybox', program(readFileSync('/bin/busybox'))],
    ['dev/console', { kind: 'character-device', mode: 0o600, major: 5, minor: 1 }],
  ]);
  for (const applet of ['sh', 'mount', 'umount', 'cat', 'insmod', 'switch_root'])
    entries.set(`bin/${applet}`, { kind: 'link', target: 'busybox' });
  for (const folder of ['proc', 'root']) entries.set(folder, { kind: 'directory', mode: 0o755 });
  const modules = modulesWithDependencies(await moduleIndex(kernel.release, kernel.modules), early);
  for (const path of modules)
    entries.set(`modules/${basename(path)}`, program(readFileSync(join(kernel.modules, path))));
  entries.set('modules/order', program(encode(modules.map((path) => basename(path)).join('\n'))));
  return compress(cpioArchive(entries), 'zstd');
}

/** Builds the system, or takes it from the cache. Needs root rights and debootstrap. */
export async function debianSystem(cache: string, say: (line: string) => void): Promise<DebianSystem> {
  const kernel = await debianKernel('amd64', { folder: join(cache, 'debian'), say });
  const root = join(cache, 'reference', 'system');
  if (!existsSync(root)) {
    say('Debian’s minimal system, which takes minutes');
    const work = `${root}.${process.pid}`;
    mkdirSync(join(cache, 'reference'), { recursive: true });
    const include = '--include=systemd-sysv,lxc,kmod,udev';
    execFileSync('debootstrap', ['--variant=minbase', include, 'bookworm', work], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    rmSync(join(work, 'var/cache/apt'), { recursive: true, force: true });
    rmSync(join(work, 'var/lib/apt/lists'), { recursive: true, force: true });
    const modules = modulesWithDependencies(await moduleIndex(kernel.release, kernel.modules), later);
    const target = join(work, 'lib/modules', kernel.release);
    for (const path of modules) cpSync(join(kernel.modules, path), join(target, path), { recursive: true });
    for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'])
      copyFileSync(join(kernel.modules, name), join(target, name));
    execFileSync('depmod', ['-b', work, kernel.release]);
    writeFileSync(join(work, 'etc/modules-load.d/reference.conf'), `${later.join('\n')}\n`);
    renameSync(work, root);
  }
  return { root, kernel: kernel.image, initrd: await initramfs(kernel) };
}
