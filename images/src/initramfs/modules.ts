/**
 * Kernel modules as an archive of their own, which the boot loader or QEMU appends to the initramfs: the initramfs itself belongs to no kernel.
 * Only what a machine needs until the `modules` of its board support part are mounted, and what those may need to be mounted.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type CpioEntry, cpioArchive } from '../archive/cpio.ts';
import { moduleIndex, modulesWithDependencies } from '../debian/modules.ts';

const run = promisify(execFile);

/** Modules by name, as far as the kernel has them as modules; what they depend on is added. */
export const bootModules: readonly string[] = [
  // Disks of virtual machines, of PCs and of boards.
  ...['virtio_pci', 'virtio_mmio', 'virtio_blk', 'virtio_scsi', 'virtio_net', 'virtio_console', 'virtio_rng'],
  ...['sd_mod', 'sr_mod', 'ahci', 'ata_piix', 'nvme', 'usb-storage', 'xhci-pci', 'ehci-pci', 'mmc_block', 'sdhci-pci'],
  // Images, overlays, file systems.
  ...['loop', 'squashfs', 'overlay', 'ext4', 'vfat', 'nls_ascii', 'nls_cp437', 'nls_iso8859-1', 'nls_utf8'],
  // ext4 asks for it by what it does, which depmod does not know as a dependency.
  'crc32c_generic',
  // Encrypted disks, verified volumes, compressed memory.
  ...['dm-mod', 'dm-crypt', 'dm-verity', 'zram', 'lzo-rle', 'zstd'],
  ...[
    'essiv',
    'cbc',
    'aes_generic',
    'aesni-intel',
    'sha256_generic',
    'sha256-ssse3',
    'crypto_simd',
    'cryptd',
    'ecb',
    'xts',
    'authenc',
  ],
  // Containers' networks.
  ...['veth', 'bridge', 'tun', 'af_packet', 'iptable_nat', 'xt_MASQUERADE'],
  // Watchdogs.
  ...['softdog', 'i6300esb', 'iTCO_wdt'],
  // Console and power of virtual machines.
  ...['button', 'evdev', 'pl061_gpio', 'gpio_keys'],
];

/** Loaded at the start of every machine: what opens by itself only when it is there already. */
const alwaysLoaded = ['loop'];

/**
 * Makes the archive.
 * @param release as `uname -r` prints it
 * @param folder `lib/modules/<release>` of the kernel
 * @param names modules, without `.ko`
 * @returns uncompressed cpio
 * @throws Error when depmod fails or is not installed
 */
export async function moduleArchive(
  release: string,
  folder: string,
  names: readonly string[] = bootModules,
): Promise<Uint8Array> {
  const index = await moduleIndex(release, folder);
  const work = await mkdtemp(join(tmpdir(), 'pv-modules-'));
  try {
    const target = join(work, 'lib/modules', release);
    for (const path of modulesWithDependencies(index, names, 'skip')) {
      await mkdir(dirname(join(target, path)), { recursive: true });
      await cp(join(folder, path), join(target, path));
    }
    for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'])
      await cp(join(folder, name), join(target, name)).catch(() => {});
    await run('depmod', ['-b', work, release]);
    const entries = new Map<string, CpioEntry>();
    // Read by busybox as text; the binary indexes and lists of what is built in are for others.
    const kept = /\.ko(\.\w+)?$|\/modules\.(dep|alias|symbols|softdep|builtin)$/;
    for (const entry of await readdir(target, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      if (kept.test(path))
        entries.set(relative(work, path), { kind: 'file', mode: 0o644, content: await readFile(path) });
    }
    const list = alwaysLoaded.filter((name) => index.paths.has(name));
    const content = new TextEncoder().encode(`${list.join('\n')}\n`);
    entries.set('lib/modules-load.d/pantavisor.conf', { kind: 'file', mode: 0o644, content });
    return cpioArchive(entries);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
