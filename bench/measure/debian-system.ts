/** The reference of boot benchmarks: Debian's minimal system with systemd and LXC, which runs containers at its start. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import {
  type CpioEntry,
  cpioArchive,
  debianKernel,
  moduleIndex,
  modulesWithDependencies,
} from '@pantavisor/images/debian';
import { compress } from '@pantavisor/images/initramfs';

export interface ReferenceSystem {
  kernel: string;
  initrd: string;
  /** Bytes of the files in it. */
  size: number;
  /** A disk on which so many containers with this root file system start with the system. */
  disk(containers: number, squashfs: string, folder: string): Promise<string>;
}

const early = ['virtio_pci', 'virtio_blk'];
const later = ['loop', 'squashfs', 'overlay', 'veth', 'bridge', 'virtio_net'];

const init = `#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
mount -t ext4 /dev/vda /root
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

function unit(name: string): string {
  return `[Unit]
Before=reference-all.service
[Service]
Type=forking
ExecStartPre=/bin/mount -o loop,ro /containers/root.squashfs /containers/${name}/lower
ExecStart=/usr/bin/lxc-start -d -n ${name} -P /containers
ExecStartPost=/bin/sh -c 'echo "reference: container ${name} started" >/dev/kmsg'
[Install]
WantedBy=multi-user.target
`;
}

const all = (names: string[]) => `[Unit]
After=${names.map((name) => `reference-${name}.service`).join(' ')}
[Service]
Type=simple
ExecStart=/bin/sh -c 'echo "reference: all containers started" >/dev/kmsg; sleep 10; cat /proc/meminfo >/dev/console'
[Install]
WantedBy=multi-user.target
`;

const config = (name: string) => `lxc.uts.name = ${name}
lxc.rootfs.path = overlay:/containers/${name}/lower:/containers/${name}/upper
lxc.init.cmd = /sbin/init
lxc.net.0.type = empty
lxc.mount.auto = proc sys:rw cgroup
lxc.apparmor.profile = unconfined
lxc.apparmor.allow_incomplete = 1
`;

/** Builds the system once and keeps it in the cache. Needs root rights and debootstrap. */
export async function buildReference(cache: string, say: (line: string) => void): Promise<ReferenceSystem> {
  const debian = { folder: join(cache, 'debian'), say };
  const kernel = await debianKernel('amd64', debian);
  const home = join(cache, 'reference');
  const system = join(home, 'system');
  if (!existsSync(system)) {
    say('Debian’s minimal system, which takes minutes');
    const work = `${system}.${process.pid}`;
    mkdirSync(home, { recursive: true });
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
    renameSync(work, system);
  }
  const initrd = join(home, 'initrd');
  writeFileSync(initrd, await initramfs(kernel));
  const size = Number(execFileSync('du', ['-sk', system], { encoding: 'utf8' }).split('\t')[0]) * 1024;
  return {
    kernel: kernel.image,
    initrd,
    size,
    async disk(containers, squashfs, folder) {
      const disk = join(folder, 'reference.img');
      if (existsSync(disk)) return disk;
      const root = join(folder, 'reference');
      execFileSync('cp', ['-a', system, root]);
      const names = Array.from({ length: containers }, (_, index) => `app${index}`);
      const units = join(root, 'etc/systemd/system');
      mkdirSync(join(units, 'multi-user.target.wants'), { recursive: true });
      const put = (name: string, text: string) => {
        writeFileSync(join(units, name), text);
        execFileSync('ln', ['-sf', `../${name}`, join(units, 'multi-user.target.wants', name)]);
      };
      for (const name of names) {
        for (const part of ['lower', 'upper']) mkdirSync(join(root, 'containers', name, part), { recursive: true });
        writeFileSync(join(root, 'containers', name, 'config'), config(name));
        put(`reference-${name}.service`, unit(name));
      }
      put('reference-all.service', all(names));
      copyFileSync(squashfs, join(root, 'containers/root.squashfs'));
      chmodSync(join(root, 'containers/root.squashfs'), 0o644);
      execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', root, disk, '600M']);
      rmSync(root, { recursive: true, force: true });
      return disk;
    },
  };
}
