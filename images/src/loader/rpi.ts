/** Boot partitions of Raspberry Pi's firmware in the A/B layout `rpiab` (build.md §2, §5.3; updates.md §6.4). */

/** Text of autoboot.txt: the partition to boot, and the one that a try boots once. The runtime swaps them at a commit. */
export function autoboot(normal: number, trial: number): string {
  return `[all]\ntryboot_a_b=1\nboot_partition=${normal}\n[tryboot]\nboot_partition=${trial}\n\0`;
}

/** config.txt of a boot partition: 64-bit kernel and the initramfs right behind it. */
export const bootConfig = `arm_64bit=1
kernel=kernel.img
initramfs pantavisor followkernel
enable_uart=1
`;

/** cmdline.txt has one line. The revision is not in it: `pv_rev.txt` beside it names the one that the partition holds. */
export function commandLine(kernelArguments: string): string {
  return `${kernelArguments} panic=5 PV_BOOTLOADER_TYPE=rpiab root=/dev/ram rootfstype=ramfs rdinit=/usr/bin/pantavisor\n`;
}
