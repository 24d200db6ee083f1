/** U-Boot as boot loader of an image: the boot script that chooses the revision, and its files (build.md §5.1, updates.md §6.1). */
import { crc32 } from 'node:zlib';
import { oemNumber } from './layout.ts';

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

/** Variables as the text that `env import -t` reads: a line each, and NUL at the end. */
export function ubootText(variables: Readonly<Record<string, string>>): string {
  return `${Object.entries(variables)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')}\0`;
}

export interface UbootScriptOptions {
  /** Numbers in the partition table, from 1 on. */
  bootPartition: number;
  storagePartition: number;
  /** Kernel arguments of the machine, e.g. `console=ttyAMA0`. */
  arguments: string;
  /** Archives after the initramfs that are looked for. */
  mostAddons: number;
  /** Name of the board's device tree when neither `oemEnv.txt` nor U-Boot's `fdtfile` says one. */
  deviceTree?: string;
}

/** Kernel arguments of the device tree, of the machine's maker and of its owner, which come last (build.md §5.1). */
const lastArguments = ['fdtbootargs', 'configargs', 'oemargs', 'localargs'].map((name) => `\${${name}}`).join(' ');

/**
 * The script. Numbers are hexadecimal in U-Boot. `oemEnv.txt` on the boot partition may set `oemargs`, more kernel arguments, and `pv_dtb`, the name
 * of the device tree; a second partition of 1 MiB may set any variable, and the storage is the third one then. What is loaded as kernel, initramfs and device tree: the FIT of the revision when it has one, else the links in its `.pv`, and
 * `bsp/<fdtfile>` as device tree when there is no link to one. The runtime is told by `pv_bootloader.dtb=` and `pv_bootloader.fitconfig=` which
 * sections of `bsp/drivers.json` hold (state-format.md).
 */
export function ubootScript(options: UbootScriptOptions): string {
  const { bootPartition, storagePartition, mostAddons } = options;
  const addons = Array.from({ length: mostAddons }, (_, index) => index).join(' ');
  return `# Chooses the revision to boot, tries a new one once, and goes back when that one was not committed.
test -n "\${devtype}" || setenv devtype mmc
test -n "\${devnum}" || setenv devnum 0
setenv pv_boot "\${devtype} \${devnum}:${bootPartition}"
setenv pv_partition ${storagePartition}
setenv oemargs
setenv pv_dtb
if load \${pv_boot} \${scriptaddr} oemEnv.txt; then env import -t \${scriptaddr} \${filesize} oemargs pv_dtb; fi

# A board's maker may have variables in a partition of his own, which its size gives away; whatever they are, they come before those of the storage.
setenv pv_oem_size
part size \${devtype} \${devnum} ${oemNumber} pv_oem_size
if test "\${pv_oem_size}" = "800"; then
  part start \${devtype} \${devnum} ${oemNumber} pv_oem_start
  \${devtype} dev \${devnum}
  if \${devtype} read \${scriptaddr} \${pv_oem_start} 8; then env import -t \${scriptaddr} 1000; fi
  setenv pv_partition ${oemNumber + 1}
fi
setenv pv_storage "\${devtype} \${devnum}:\${pv_partition}"
setenv pv_rev
setenv pv_try
setenv pv_trying
if load \${pv_storage} \${scriptaddr} /boot/uboot.txt; then env import -b \${scriptaddr} 400 pv_rev pv_try; fi
if load \${pv_boot} \${scriptaddr} ${triedFile}; then env import -t \${scriptaddr} \${filesize} pv_trying; fi
test -n "\${pv_rev}" || setenv pv_rev 0

# Boards name their device tree in fdtfile, some of them only after findfdt.
if test -n "\${findfdt}"; then run findfdt; fi
test -n "\${pv_dtb}" || setenv pv_dtb \${fdtfile}
${options.deviceTree === undefined ? '' : `test -n "\${pv_dtb}" || setenv pv_dtb ${options.deviceTree}\n`}setenv pv_told
if test -n "\${pv_dtb}"; then setenv pv_told pv_bootloader.dtb=\${pv_dtb}; fi

# Text files of U-Boot end with NUL; a value that is empty is a variable that is not there.
setenv pv_note 'env export -t \${scriptaddr} pv_trying; fatwrite \${pv_boot} \${scriptaddr} ${triedFile} \${filesize}'

setenv pv_load_addon '
setexpr pv_end \${ramdisk_addr_r} + \${pv_initrd_size}
if load \${pv_storage} \${pv_end} \${pv_files}/pv-initrd.img.\${n}; then setexpr pv_initrd_size \${pv_initrd_size} + \${filesize}; fi
'

setenv pv_load_tree '
if load \${pv_storage} \${fdt_addr_r} \${pv_tree}; then
  setenv pv_fdt \${fdt_addr_r}
  fdt addr \${fdt_addr_r} && fdt get value fdtbootargs /chosen bootargs
fi
'

# Without a name the FIT says itself which of its configurations is the usual one.
setenv pv_choose_fit '
setenv pv_fit_config
if test -n "\${get_fit_config}"; then run get_fit_config; fi
if test -z "\${name_fit_config}" && test -n "\${pv_dtb}"; then
  # It leaves a name without a slash alone, and says that it has failed.
  setenv name_fit_config conf-\${pv_dtb}
  setexpr name_fit_config gsub / _ \${name_fit_config}
fi
if test -n "\${name_fit_config}"; then
  setenv pv_fit_config "#\${name_fit_config}"
  setenv pv_told_fit pv_bootloader.fitconfig=\${name_fit_config}
fi
'

# One word: a command has 16 or 64 of them, depending on the board, and setenv refuses more.
setenv pv_set_arguments '
setenv bootargs "${options.arguments} root=/dev/ram rootfstype=ramfs rdinit=/usr/bin/pantavisor pv_try=\${pv_try} pv_rev=\${pv_chosen} panic=2 pv_quickboot \${pv_told} \${pv_told_fit} ${lastArguments}"
'

setenv pv_boot_revision '
echo "boot: revision \${pv_chosen}"
setenv pv_files /trails/\${pv_chosen}/.pv
setenv pv_fit
setenv pv_told_fit
setenv fdtbootargs
if test -e \${pv_storage} \${pv_files}/pantavisor.fit; then setenv pv_fit \${pv_files}/pantavisor.fit; else
  if test -e \${pv_storage} /trails/\${pv_chosen}/bsp/pantavisor.fit; then setenv pv_fit /trails/\${pv_chosen}/bsp/pantavisor.fit; fi
fi
if test -n "\${pv_fit}"; then
  run pv_choose_fit
  run pv_set_arguments
  load \${pv_storage} \${ramdisk_addr_r} \${pv_fit} && bootm \${ramdisk_addr_r}\${pv_fit_config}
  if test -n "\${pv_fit_config}"; then
    # It has no such configuration: the usual one, then.
    setenv pv_told_fit
    run pv_set_arguments
    bootm \${ramdisk_addr_r}
  fi
else
  if load \${pv_storage} \${kernel_addr_r} \${pv_files}/pv-kernel.img; then
    setenv pv_kernel_size \${filesize}
    if load \${pv_storage} \${ramdisk_addr_r} \${pv_files}/pv-initrd.img; then
      setenv pv_initrd_size \${filesize}
      for n in ${addons}; do if test -e \${pv_storage} \${pv_files}/pv-initrd.img.\${n}; then run pv_load_addon; fi; done
      setenv pv_fdt \${fdt_addr}
      test -n "\${pv_fdt}" || setenv pv_fdt \${fdtcontroladdr}
      setenv pv_tree
      if test -n "\${pv_dtb}" && test -e \${pv_storage} /trails/\${pv_chosen}/bsp/\${pv_dtb}; then setenv pv_tree /trails/\${pv_chosen}/bsp/\${pv_dtb}; fi
      if test -e \${pv_storage} \${pv_files}/pv-fdt.dtb; then setenv pv_tree \${pv_files}/pv-fdt.dtb; fi
      if test -n "\${pv_tree}"; then
        if test -n "\${fdt_addr_r}"; then run pv_load_tree; else echo "boot: \${pv_tree} is left out: fdt_addr_r says no place for it"; fi
      fi
      run pv_set_arguments
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

const imageType = { script: 6, os: 5, noCompression: 0 };
/** IH_ARCH_* of include/image.h. */
const imageArchitecture = { aarch64: 22, armv7: 2 } as const;

/**
 * Wraps a script as U-Boot's legacy image (include/image.h), which \`source\` runs.
 * @param text of the script
 * @param time in seconds since 1970
 */
export function scriptImage(text: string, time: number, architecture: keyof typeof imageArchitecture): Uint8Array {
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
  header[29] = imageArchitecture[architecture];
  header[30] = imageType.script;
  header[31] = imageType.noCompression;
  header.write('pantavisor', 32, 32, 'latin1');
  header.writeUInt32BE(crc32(header), 4);
  return Buffer.concat([header, data]);
}
