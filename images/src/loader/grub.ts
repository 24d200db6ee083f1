/** GRUB as boot loader of an image: its script, and its programs for BIOS and UEFI with a few modules built in (updates.md §6.2). */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Piece } from '../disk/table.ts';
import { runTool } from '../disk/tool.ts';

/** Name of the block on the boot partition in which the script notes what it has tried. */
export const triedBlock = 'pv.env';

const blockSize = 1024;

/** An environment block of GRUB (its manual, "Environment block"). */
export function grubBlock(entries: Readonly<Record<string, string>>): Uint8Array {
  const lines = Object.entries(entries).map(([key, value]) => `${key}=${value}\n`);
  return Buffer.from(`# GRUB Environment Block\n${lines.join('')}`.padEnd(blockSize, '#'));
}

export interface GrubScriptOptions {
  /** Number of the storage in the partition table, from 1 on. */
  storagePartition: number;
  /** Kernel arguments of the machine, e.g. `console=ttyS0,115200`. */
  arguments: string;
  /** Archives after the initramfs that are looked for. */
  mostAddons: number;
}

/**
 * The script that chooses the revision. What was tried is noted on the boot partition, never in the storage: GRUB does not play back the
 * journal of ext4, and after a power cut what it takes for a block of the file may belong to another one.
 */
export function grubScript({ storagePartition, arguments: kernelArguments, mostAddons }: GrubScriptOptions): string {
  const addons = Array.from({ length: mostAddons }, (_, index) => index).join(' ');
  return `# Chooses the revision to boot, tries a new one once, and goes back when that one was not committed.
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial

set boot="$root"
regexp --set=1:disk '^([^,]*),' "$boot"
set storage="$disk,gpt${storagePartition}"

function boot_revision {
  set revision="$1"
  set files="($storage)/trails/$revision/.pv"
  if [ ! -f "$files/pv-kernel.img" ]; then
    echo "boot: revision $revision has no kernel"
    return 1
  fi
  set initrds="$files/pv-initrd.img"
  for n in ${addons}; do
    if [ -f "$files/pv-initrd.img.$n" ]; then
      set initrds="$initrds $files/pv-initrd.img.$n"
    fi
  done
  echo "boot: revision $revision"
  if linux "$files/pv-kernel.img" ${kernelArguments} panic=2 rdinit=/usr/bin/pantavisor pv_rev=$revision pv_try=$pv_try; then
    if initrd $initrds; then
      boot
    fi
  fi
  echo "boot: revision $revision cannot be started"
  return 1
}

set pv_rev=
set pv_try=
set pv_trying=
load_env -f "($storage)/boot/grubenv" pv_rev pv_try
load_env -f "($boot)/${triedBlock}" pv_trying
if [ -z "$pv_rev" ]; then
  set pv_rev=0
fi

if [ -n "$pv_try" -a "$pv_try" != "$pv_trying" ]; then
  # Noted before it is booted, so that it is booted once.
  set pv_trying="$pv_try"
  save_env -f "($boot)/${triedBlock}" pv_trying
  boot_revision "$pv_try"
  echo "boot: going back to revision $pv_rev"
else
  if [ -n "$pv_trying" ]; then
    # Forgotten, so that the same revision may be tried again later.
    set pv_trying=
    save_env -f "($boot)/${triedBlock}" pv_trying
  fi
fi
boot_revision "$pv_rev"
sleep 5
reboot
`;
}

const modules = [
  ...[
    'part_gpt',
    'part_msdos',
    'fat',
    'ext2',
    'normal',
    'configfile',
    'test',
    'regexp',
    'echo',
    'sleep',
    'reboot',
    'loadenv',
  ],
  ...['linux', 'boot', 'serial', 'terminal', 'minicmd'],
];

/** Folder with GRUB's own files, by its name for a platform. */
const library = '/usr/lib/grub';

async function makeProgram(platform: string, more: readonly string[], prefix: string, hint: string): Promise<Buffer> {
  const work = await mkdtemp(join(tmpdir(), 'pv-grub-'));
  try {
    const file = join(work, 'program');
    const output = ['-O', platform, '-d', `${library}/${platform}`, '-p', prefix, '-o', file];
    await runTool(['grub-mkimage', ...output, ...modules, ...more], hint);
    return await readFile(file);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * The program that UEFI starts from the boot partition as `EFI/BOOT/BOOTX64.EFI`.
 * @throws Error when grub-mkimage or its modules are not installed
 */
export function grubForEfi(): Promise<Uint8Array> {
  return makeProgram('x86_64-efi', [], '/grub', 'grub-common and grub-efi-amd64-bin');
}

/** Places in GRUB's boot sector and first sector of its core (grub/i386/pc/boot.h, offsets.h). */
const bootSector = { code: 440, coreSector: 0x5c, driveCheck: 0x66 };
const coreStart = 0x1f4;
const noOperation = 0x9090;

/**
 * What a BIOS starts: the code in the first sector of the disk, and the core in a partition of its own, whose place the code knows.
 * @param core place of that partition in bytes
 * @param bootPartition number of the partition with `/grub/grub.cfg`, from 1 on
 * @throws Error when grub-mkimage or its modules are not installed, or the core does not fit
 */
export async function grubForBios(core: { offset: number; size: number }, bootPartition: number): Promise<Piece[]> {
  const hint = 'grub-common and grub-pc-bin';
  const program = await makeProgram('i386-pc', ['biosdisk'], `(,gpt${bootPartition})/grub`, hint);
  if (program.length > core.size)
    throw new Error(`cannot put GRUB's core of ${program.length} bytes into a partition of ${core.size}`);
  const sector = await readFile(`${library}/i386-pc/boot.img`);
  const first = BigInt(core.offset / 512);
  sector.writeBigUInt64LE(first, bootSector.coreSector);
  // Some BIOS give a wrong drive number; a disk is no floppy, so the code need not doubt it.
  sector.writeUInt16LE(noOperation, bootSector.driveCheck);
  program.writeBigUInt64LE(first + 1n, coreStart);
  return [
    { offset: 0, bytes: sector.subarray(0, bootSector.code) },
    { offset: core.offset, bytes: program },
  ];
}
