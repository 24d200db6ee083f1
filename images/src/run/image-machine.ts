/** A machine that runs an image: which disk, which firmware, and another QEMU after each reset. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rename, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ImageAccount } from '../build.ts';
import type { MachineBoot, MachineForward, MachineOptions } from '../qemu/command-line.ts';
import { Machine } from '../qemu/machine.ts';
import { DirectLoader } from './direct.ts';

const run = promisify(execFile);

export type Firmware = 'bios' | 'efi';

export interface ImageRun {
  /** Disk of the machine; it is written to. */
  disk: string;
  account: Pick<ImageAccount, 'architecture' | 'loader' | 'arguments' | 'partitions' | 'machine'>;
  /** For images with GRUB. Default `bios`. */
  firmware?: Firmware;
  memory?: number;
  processors?: number;
  forwards?: readonly MachineForward[];
  watchdog?: MachineOptions['watchdog'];
  /** As for `MachineDisk`. */
  writeLog?: string;
  extra?: readonly string[];
  /** Hard limit from the start to the power-off, with all restarts. */
  seconds: number;
}

/** Firmware files of Debian: package and file. */
const firmwareFiles = {
  efiCode: ['ovmf', '/usr/share/OVMF/OVMF_CODE_4M.fd'],
  efiVariables: ['ovmf', '/usr/share/OVMF/OVMF_VARS_4M.fd'],
  aarch64: ['u-boot-qemu', '/usr/lib/u-boot/qemu_arm64/u-boot.bin'],
  armv7: ['u-boot-qemu', '/usr/lib/u-boot/qemu_arm/u-boot.bin'],
} as const;

function firmware(name: keyof typeof firmwareFiles): string {
  const [packageName, file] = firmwareFiles[name];
  if (existsSync(file)) return file;
  throw new Error(`cannot find ${file}; install the Debian package ${packageName}`);
}

/** The account beside an image, which `pv-image build` wrote. */
export async function readAccount(image: string): Promise<ImageAccount> {
  const path = `${image}.json`;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new Error(`cannot read ${path}, which tells what the image is: ${(cause as Error).message}`, { cause });
  }
  try {
    const account = JSON.parse(text) as ImageAccount;
    if (account['#spec'] === 'pantavisor-image-account@1') return account;
  } catch {}
  throw new Error(`cannot understand ${path}: it is no account of an image; build the image again`);
}

/**
 * A disk with the content of an image, for a machine to write to: made when it is missing, kept when it is there.
 * @param size in bytes, to make it larger, as a disk is on which an image was written; never smaller
 */
export async function diskOf(image: string, disk: string, size?: number): Promise<void> {
  const mebibytes = (bytes: number) => `${Math.floor(bytes / 1024 / 1024)} MiB`;
  const least = (await stat(existsSync(disk) ? disk : image)).size;
  if (size !== undefined && existsSync(disk) && size !== least)
    throw new Error(
      `cannot make ${disk} a disk of ${mebibytes(size)}: it is there, of ${mebibytes(least)}; --fresh begins anew`,
    );
  if (size !== undefined && size < least)
    throw new Error(`cannot make a disk of ${mebibytes(size)}: the image takes ${mebibytes(least)}`);
  if (!existsSync(disk)) {
    const temporary = `${disk}.${process.pid}.tmp`;
    try {
      await run('cp', ['--sparse=always', image, temporary]);
      if (size !== undefined) await truncate(temporary, size);
      await rename(temporary, disk);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

/** A running image: one QEMU after the other, as resets end them, but one for all resets where the writes to the disk are noted. */
export class ImageMachine {
  readonly #options: ImageRun;
  readonly #folder: string;
  readonly #loader: DirectLoader | undefined;

  private constructor(options: ImageRun, folder: string) {
    this.#options = options;
    this.#folder = folder;
    const { disk, account } = options;
    const storage = account.partitions.find(({ name }) => name === 'root');
    this.#loader =
      account.loader === 'none'
        ? new DirectLoader({ image: disk, offset: storage?.offset ?? 0 }, folder, account.arguments)
        : undefined;
  }

  /** @throws Error for an image that QEMU cannot boot */
  static async prepare(options: ImageRun): Promise<ImageMachine> {
    if (options.account.loader === 'rpi')
      throw new Error(
        'cannot run an image for Raspberry Pi in QEMU: its firmware is the board’s own; write it to a card',
      );
    return new ImageMachine(options, await mkdtemp(join(tmpdir(), 'pv-run-')));
  }

  async #boot(): Promise<MachineBoot> {
    const { account, firmware: wanted = 'bios', disk } = this.#options;
    if (this.#loader !== undefined) return this.#loader.next();
    if (account.loader === 'u-boot' && account.architecture !== 'x86_64')
      return { kind: 'firmware', file: firmware(account.architecture) };
    if (wanted === 'bios') return { kind: 'bios' };
    // What UEFI remembers belongs to the disk.
    const variables = `${disk}.efi`;
    if (!existsSync(variables)) await copyFile(firmware('efiVariables'), variables);
    return { kind: 'efi', code: firmware('efiCode'), variables };
  }

  /** A QEMU that ends flushes its disk, and then no power cut could take what was written before the reset. */
  get #staysOnReset(): boolean {
    return this.#loader === undefined && this.#options.writeLog !== undefined;
  }

  async #next(): Promise<MachineOptions> {
    const { account, disk, memory, processors, forwards = [], watchdog, writeLog, extra } = this.#options;
    return {
      architecture: account.architecture,
      boot: await this.#boot(),
      memory: memory ?? account.machine.memory,
      processors: processors ?? account.machine.processors,
      disks: [{ file: disk, ...(writeLog === undefined ? {} : { writeLog }) }],
      forwards,
      onReset: this.#staysOnReset ? 'reset' : 'exit',
      ...(watchdog === undefined ? {} : { watchdog }),
      ...(extra === undefined ? {} : { extra }),
    };
  }

  /**
   * Starts the machine; it goes on through restarts, each in a QEMU of its own unless the writes to the disk are noted.
   * @throws Error when there is nothing to boot
   */
  async start(): Promise<Machine> {
    return Machine.start(await this.#next(), { seconds: this.#options.seconds }, () => this.#next());
  }

  /** Removes what is of this run alone; the disk stays. */
  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
