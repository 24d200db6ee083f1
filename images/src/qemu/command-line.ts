/** A machine in words of QEMU: options into arguments, nothing else. */

export type MachineArchitecture = 'x86_64' | 'aarch64' | 'armv7';

export interface MachineDisk {
  /** Image file; it appears as `/dev/vda`, `/dev/vdb`, … in the order given. */
  file: string;
  /** Default `raw`. */
  format?: 'raw' | 'qcow2';
  /** Writes go to a temporary file and are gone at the end. */
  snapshot?: boolean;
  /**
   * Every write and flush is noted in this file, which exists and is empty (QEMU's driver blklogwrites): what lies between two flushes may be lost when the
   * power fails. For disks that are `raw`.
   */
  writeLog?: string;
}

/** What starts first. `kernel`: QEMU itself loads kernel and initramfs. The others boot from the disks. */
export type MachineBoot =
  | { kind: 'kernel'; kernel: string; initrd: string; commandLine: string }
  | { kind: 'bios' }
  /** UEFI: OVMF's code, and a file with its variables that belongs to this machine alone. */
  | { kind: 'efi'; code: string; variables: string }
  /** Firmware image in place of the machine's own, e.g. U-Boot. */
  | { kind: 'firmware'; file: string };

export interface MachineForward {
  /** TCP port of the guest. */
  guest: number;
  /** Port on loopback; 0 takes a free one. */
  host: number;
}

export interface MachineOptions {
  architecture: MachineArchitecture;
  boot: MachineBoot;
  /** In MiB. */
  memory: number;
  processors?: number;
  disks?: readonly MachineDisk[];
  /** User networking, with the host at 10.0.2.2; `undefined` for no network. */
  forwards?: readonly MachineForward[];
  /** A watchdog device; what it does when it bites. */
  watchdog?: { model: 'i6300esb'; action: 'reset' | 'poweroff' | 'none' };
  /** `exit`: a reset of the machine ends QEMU. `reset`: it starts anew. Default `exit`. */
  onReset?: 'exit' | 'reset';
  /** More arguments, as they are. */
  extra?: readonly string[];
}

/** Program of QEMU, and the Debian package that has it. */
export const emulators: Readonly<Record<MachineArchitecture, { program: string; package: string }>> = {
  x86_64: { program: 'qemu-system-x86_64', package: 'qemu-system-x86' },
  aarch64: { program: 'qemu-system-aarch64', package: 'qemu-system-arm' },
  armv7: { program: 'qemu-system-arm', package: 'qemu-system-arm' },
};

const machines: Record<MachineArchitecture, string[]> = {
  // i8042 and friends are not missed; q35 has PCI Express, as machines of today do.
  x86_64: ['-machine', 'q35', '-cpu', 'max'],
  aarch64: ['-machine', 'virt', '-cpu', 'cortex-a57'],
  // Kernels without large physical addresses reach nothing above 4 GiB.
  armv7: ['-machine', 'virt,highmem=off', '-cpu', 'cortex-a7'],
};

function bootArguments(boot: MachineBoot): string[] {
  switch (boot.kind) {
    case 'bios':
      return [];
    case 'firmware':
      return ['-bios', boot.file];
    case 'efi':
      return [
        ...['-drive', `if=pflash,format=raw,readonly=on,file=${optionValue(boot.code)}`],
        ...['-drive', `if=pflash,format=raw,file=${optionValue(boot.variables)}`],
      ];
    case 'kernel':
      return ['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', boot.commandLine];
  }
}

function driveArgument({ file, format = 'raw', snapshot = false, writeLog }: MachineDisk): string {
  const path = optionValue(file);
  if (writeLog === undefined) return `file=${path},format=${format},snapshot=${snapshot ? 'on' : 'off'}`;
  const log = `log.driver=file,log.filename=${optionValue(writeLog)}`;
  return `driver=blklogwrites,file.driver=file,file.filename=${path},${log}`;
}

/**
 * MiB for translated code in a QEMU that goes on after a reset. What it has translated of the old kernel makes each write to a page that had code
 * slow (accel/tcg/tb-maint.c), and a boot loader writes to all of them: it takes three times as long, or longer. Only a full buffer is emptied, and that of
 * one GiB that QEMU takes by itself never is.
 */
const bufferThroughResets = 24;

/** A comma in a value of a QEMU option is written twice. */
function optionValue(value: string): string {
  return value.replaceAll(',', ',,');
}

/**
 * Arguments of `qemu-system-<architecture>`, without console and control connection. Emulated in software (TCG), since hardware
 * virtualisation is not to be counted on where tests run.
 */
export function machineArguments(options: MachineOptions): string[] {
  const { architecture, boot, memory, processors = 1, disks = [], forwards, watchdog, onReset = 'exit' } = options;
  const accelerator = `tcg,thread=multi${onReset === 'reset' ? `,tb-size=${bufferThroughResets}` : ''}`;
  const argv = [...machines[architecture], '-accel', accelerator, '-smp', `${processors}`, '-m', `${memory}`];
  argv.push('-nodefaults', '-display', 'none', ...bootArguments(boot), '-device', 'virtio-rng-pci');
  if (onReset === 'exit') argv.push('-no-reboot');
  for (const [index, disk] of disks.entries()) {
    const name = `disk${index}`;
    argv.push('-drive', `if=none,id=${name},${driveArgument(disk)}`);
    argv.push('-device', `virtio-blk-pci,drive=${name}${boot.kind === 'kernel' ? '' : `,bootindex=${index}`}`);
  }
  if (forwards !== undefined) {
    const rules = forwards.map(({ guest, host }) => `,hostfwd=tcp:127.0.0.1:${host}-:${guest}`).join('');
    argv.push('-netdev', `user,id=net0${rules}`, '-device', 'virtio-net-pci,netdev=net0,romfile=');
  }
  if (watchdog !== undefined) argv.push('-device', watchdog.model, '-action', `watchdog=${watchdog.action}`);
  return [...argv, ...(options.extra ?? [])];
}
