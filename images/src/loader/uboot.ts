/** U-Boot as boot loader of an image: the boot script that chooses the revision, and its files (build.md §5.1, updates.md §6.1). */
import { crc32 } from 'node:zlib';

/** File on the boot partition in which the script notes what it has tried. */
export const triedFile = 'pv.env';

const environmentSize = 65536;

/** Boot-state file of the runtime: `key=value` texts, each ended by NUL, filled up with NUL. */
export function ubootBlock(entries: Readonly<Record<string, string>>): Uint8Array {
  const block = Buffer.alloc(environmentSize);
  block.write(
    `${Object.entries(entries)
      .map(([key, value]) => `${key}=${value}\0`)
      .join('')}\0`,
    'latin1',
  );
  return block;
}

export interface UbootScriptOptions {
  /** Numbers in the partition table, from 1 on. */
  bootPartition: number;
  storagePartition: number;
  /** Kernel arguments of the machine, e.g. `console=ttyAMA0`. */
  arguments: string;
  /** Archives after the initramfs that are looked for. */
  mostAddons: number;
}

/**
 * The script. Numbers are hexadecimal in U-Boot. `oemEnv.txt` on the boot partition may set `oemargs`, more kernel arguments.
 * What is loaded as kernel, initramfs and device tree: the FIT of the revision when it has one, else the links in its `.pv`.
 */
export function ubootScript(options: UbootScriptOptions): string {
  const { bootPartition, storagePartition, mostAddons } = options;
  const addons = Array.from({ length: mostAddons }, (_, index) => index).join(' ');
  return `# Chooses the revision to boot, tries a new one once, and goes back when that one was not committed.
test -n "\${devtype}" || setenv devtype mmc
test -n "\${devnum}" || setenv devnum 0
setenv pv_boot "\${devtype} \${devnum}:${bootPartition}"
setenv pv_storage "\${devtype} \${devnum}:${storagePartition}"
setenv pv_rev
setenv pv_try
setenv pv_trying
setenv oemargs
if load \${pv_boot} \${scriptaddr} oemEnv.txt; then env import -t \${scriptaddr} \${filesize} oemargs; fi
if load \${pv_storage} \${scriptaddr} /boot/uboot.txt; then env import -b \${scriptaddr} 400 pv_rev pv_try; fi
if load \${pv_boot} \${scriptaddr} ${triedFile}; then env import -t \${scriptaddr} \${filesize} pv_trying; fi
test -n "\${pv_rev}" || setenv pv_rev 0

# Text files of U-Boot end with NUL; a value that is empty is a variable that is not there.
setenv pv_note 'env export -t \${scriptaddr} pv_trying; fatwrite \${pv_boot} \${scriptaddr} ${triedFile} \${filesize}'

setenv pv_load_addon '
setexpr pv_end \${ramdisk_addr_r} + \${pv_initrd_size}
if load \${pv_storage} \${pv_end} \${pv_files}/pv-initrd.img.\${n}; then setexpr pv_initrd_size \${pv_initrd_size} + \${filesize}; fi
'

setenv pv_boot_revision '
echo "boot: revision \${pv_chosen}"
setenv pv_files /trails/\${pv_chosen}/.pv
setenv bootargs ${options.arguments} root=/dev/ram rootfstype=ramfs rdinit=/usr/bin/pantavisor pv_try=\${pv_try} pv_rev=\${pv_chosen} panic=2 pv_quickboot \${oemargs} \${localargs}
if test -e \${pv_storage} \${pv_files}/pantavisor.fit; then
  load \${pv_storage} \${ramdisk_addr_r} \${pv_files}/pantavisor.fit && bootm \${ramdisk_addr_r}\${pv_fit_config}
else
  if load \${pv_storage} \${kernel_addr_r} \${pv_files}/pv-kernel.img; then
    setenv pv_kernel_size \${filesize}
    if load \${pv_storage} \${ramdisk_addr_r} \${pv_files}/pv-initrd.img; then
      setenv pv_initrd_size \${filesize}
      for n in ${addons}; do if test -e \${pv_storage} \${pv_files}/pv-initrd.img.\${n}; then run pv_load_addon; fi; done
      setenv pv_fdt \${fdt_addr}
      test -n "\${pv_fdt}" || setenv pv_fdt \${fdtcontroladdr}
      if test -e \${pv_storage} \${pv_files}/pv-fdt.dtb; then load \${pv_storage} \${fdt_addr_r} \${pv_files}/pv-fdt.dtb && setenv pv_fdt \${fdt_addr_r}; fi
      booti \${kernel_addr_r} \${ramdisk_addr_r}:\${pv_initrd_size} \${pv_fdt}
      bootz \${kernel_addr_r} \${ramdisk_addr_r}:\${pv_initrd_size} \${pv_fdt}
      bootm \${kernel_addr_r} \${ramdisk_addr_r}:\${pv_initrd_size} \${pv_fdt}
    fi
  fi
fi
echo "boot: revision \${pv_chosen} cannot be started"
'

if test -n "\${pv_try}" && test "\${pv_try}" != "\${pv_trying}"; then
  # Noted before it is booted, so that it is booted once.
  setenv pv_trying \${pv_try}
  run pv_note
  setenv pv_chosen \${pv_try}
  run pv_boot_revision
  echo "boot: going back to revision \${pv_rev}"
else
  if test -n "\${pv_trying}"; then
    # Forgotten, so that the same revision may be tried again later.
    setenv pv_trying
    run pv_note
  fi
fi
setenv pv_chosen \${pv_rev}
run pv_boot_revision
sleep 5
reset
`;
}

const imageType = { script: 6, os: 5, architecture: 22, noCompression: 0 };

/**
 * Wraps a script as U-Boot's legacy image (include/image.h), which \`source\` runs.
 * @param text of the script
 * @param time in seconds since 1970
 */
export function scriptImage(text: string, time: number): Uint8Array {
  const script = Buffer.from(text);
  // The script is the first of a list of files that ends with size 0.
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(script.length, 0);
  const data = Buffer.concat([sizes, script]);
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x27051956, 0);
  header.writeUInt32BE(time, 8);
  header.writeUInt32BE(data.length, 12);
  header.writeUInt32BE(crc32(data), 24);
  header[28] = imageType.os;
  header[29] = imageType.architecture;
  header[30] = imageType.script;
  header[31] = imageType.noCompression;
  header.write('pantavisor', 32, 32, 'latin1');
  header.writeUInt32BE(crc32(header), 4);
  return Buffer.concat([header, data]);
}
