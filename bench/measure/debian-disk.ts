/** A disk with Debian's minimal system, GRUB, and containers that systemd starts with LXC. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerRecipe } from '../../containers/src/recipe.ts';
import { buildRevision } from '../../containers/src/revision.ts';
import { assembleDisk } from '../../images/src/disk/assemble.ts';
import { makeFat } from '../../images/src/disk/fat.ts';
import { grubForBios } from '../../images/src/loader/grub.ts';
import { partitionOf, planDisk, tableOf } from '../../images/src/loader/layout.ts';
import type { DebianSystem } from './debian-system.ts';

/** What the kernel's log of the reference says, since everything else is told there as well. */
export const referenceSays = { started: 'reference: container', all: 'reference: all containers started' } as const;

const unit = (name: string) => `[Unit]
Before=reference-all.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=/bin/mount -o loop,ro /containers/${name}/root.squashfs /containers/${name}/lower
ExecStart=/usr/bin/lxc-start -d -n ${name} -P /containers
ExecStartPost=/bin/sh -c 'echo "${referenceSays.started} ${name} started" >/dev/kmsg'
ExecStop=/usr/bin/lxc-stop -n ${name} -P /containers
[Install]
WantedBy=multi-user.target
`;

const all = (names: string[]) => `[Unit]
After=${names.map((name) => `reference-${name}.service`).join(' ')}
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo "${referenceSays.all}" >/dev/kmsg'
[Install]
WantedBy=multi-user.target
`;

/**
 * The nearest thing to an update: at a line on the console, files of a container are replaced, and the machine restarts. In place of a getty, which
 * takes more memory.
 */
const update = `[Service]
Type=simple
ExecStart=/bin/sh -c 'read word </dev/ttyS0; cp -r /next/. /containers; exec systemctl reboot'
[Install]
WantedBy=multi-user.target
`;

function config({ name, init = ['/sbin/init'], network = 'none', lxcLines = [] }: ContainerRecipe): string {
  return `${[
    `lxc.uts.name = ${name}`,
    `lxc.rootfs.path = overlay:/containers/${name}/lower:/containers/${name}/upper`,
    `lxc.init.cmd = ${init.join(' ')}`,
    `lxc.net.0.type = ${network === 'host' ? 'none' : 'empty'}`,
    'lxc.mount.auto = proc sys:rw cgroup',
    'lxc.mount.entry = tmpfs run tmpfs rw,nodev,relatime,create=dir,mode=755 0 0',
    'lxc.apparmor.profile = unconfined',
    'lxc.apparmor.allow_incomplete = 1',
    ...lxcLines,
  ].join('\n')}\n`;
}

const script = `serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
regexp --set=1:disk '^([^,]*),' "$root"
linux ($disk,gpt3)/boot/vmlinuz console=ttyS0,115200 printk.devkmsg=on systemd.show_status=false panic=2
initrd ($disk,gpt3)/boot/initrd
boot
`;

function putConfig(folder: string, { config: files = {} }: ContainerRecipe): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

export interface DebianDisk {
  file: string;
  /** Bytes that are in use on it. */
  used: number;
}

/**
 * Makes the disk.
 * @param containers that start with the system; their volumes and roles are left out
 * @param next the container whose files are replaced at a line on the console
 * @param megabytes of the root file system
 */
export async function debianDisk(
  system: DebianSystem,
  containers: ContainerRecipe[],
  next: ContainerRecipe,
  folder: string,
  megabytes = 600,
): Promise<DebianDisk> {
  const objects = join(folder, 'objects');
  const state = JSON.parse((await buildRevision({ containers }, objects)).state) as Record<string, unknown>;
  const root = join(folder, 'root');
  execFileSync('cp', ['-a', system.root, root]);
  try {
    const units = join(root, 'etc/systemd/system');
    mkdirSync(join(units, 'multi-user.target.wants'), { recursive: true });
    const put = (name: string, text: string) => {
      writeFileSync(join(units, name), text);
      symlinkSync(`../${name}`, join(units, 'multi-user.target.wants', name));
    };
    for (const container of containers) {
      const home = join(root, 'containers', container.name);
      for (const part of ['lower', 'upper']) mkdirSync(join(home, part), { recursive: true });
      writeFileSync(join(home, 'config'), config(container));
      copyFileSync(join(objects, String(state[`${container.name}/root.squashfs`])), join(home, 'root.squashfs'));
      putConfig(join(home, 'upper'), container);
      put(`reference-${container.name}.service`, unit(container.name));
    }
    putConfig(join(root, 'next', next.name, 'upper'), next);
    put('reference-all.service', all(containers.map(({ name }) => name)));
    put('reference-update.service', update);
    symlinkSync('/dev/null', join(units, 'serial-getty@ttyS0.service'));
    writeFileSync(join(root, 'boot/initrd'), system.initrd);
    copyFileSync(system.kernel, join(root, 'boot/vmlinuz'));
    return await diskOf(root, folder, megabytes);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function diskOf(root: string, folder: string, megabytes: number): Promise<DebianDisk> {
  const plan = planDisk({ name: 'reference', loader: 'grub', storage: { size: megabytes * 1024 * 1024 } });
  const [boot, storage] = [partitionOf(plan, 'boot'), partitionOf(plan, 'root')];
  const [fat, ext4, file] = [join(folder, 'boot.img'), join(folder, 'root.img'), join(folder, 'reference.img')];
  await makeFat({
    file: fat,
    size: boot.size,
    label: 'BOOT',
    serial: 1,
    files: new Map([['grub/grub.cfg', Buffer.from(script)]]),
  });
  // What GRUB can read.
  const features = '^metadata_csum_seed,^orphan_file';
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-O', features, '-d', root, ext4, `${megabytes}M`]);
  const pieces = await grubForBios(partitionOf(plan, 'bios'), boot.number);
  const contents = [
    { offset: boot.offset, file: fat },
    { offset: storage.offset, file: ext4 },
  ];
  await assembleDisk(file, plan.size, contents, [...pieces, ...tableOf('reference', plan)]);
  for (const part of [fat, ext4]) rmSync(part);
  return { file, used: statSync(file).blocks * 512 };
}
