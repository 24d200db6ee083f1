/** The Raspberry Pi's boot medium and firmware, as `rpiab` needs them (updates.md §6.4). */
import { type Files, HostError, type Mounts, type Processes } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { isCode, makeTree, removeDurable } from '../storage/durable.ts';

export interface RpiBoard {
  /** Whether the firmware started this boot as the one-shot `tryboot`. */
  tryboot(): Promise<boolean>;
  /** Gives the directory of a FAT partition of the boot medium while `act` runs; what was written is durable afterwards. */
  withPartition<T>(number: number, act: (directory: string) => Promise<T>): Promise<T>;
  /** Replaces a whole partition by an image file, unpacking it when its name ends in `.gz`. Durable when it returns. */
  writeImage(number: number, image: string): Promise<void>;
  /** Asks the firmware to make the next boot a `tryboot`; forgotten when the power goes. */
  armTryboot(): Promise<void>;
}

const deviceTree = '/proc/device-tree/chosen/bootloader';
/** First firmware that knows `tryboot_a_b`, Unix time in seconds. */
const oldestFirmware = 1_669_334_400;
const bootFromUsb = 2;
const programTimeout = 600_000;

/** Big-endian number of a device tree property, or undefined when it is not there. */
async function property(files: Files, name: string): Promise<number | undefined> {
  try {
    const bytes = await files.read(`${deviceTree}/${name}`, 64);
    return bytes.length < 4 ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * The board that the program runs on.
 * @param mountPoint directory for mounting partitions for a moment
 * Fails with `boot-firmware-old` when the firmware is too old for trying a partition.
 */
export async function openRpiBoard(options: {
  files: Files;
  mounts: Mounts;
  processes: Processes;
  mountPoint: string;
}): Promise<RpiBoard> {
  const { files, mounts, processes, mountPoint } = options;
  const built = await property(files, 'build-timestamp');
  if (built !== undefined && built < oldestFirmware)
    throw new Failure('boot-firmware-old', `cannot try partitions with the board's firmware of Unix time ${built}`, {
      hint: 'update the EEPROM with rpi-eeprom-update',
    });
  const usb = (((await property(files, 'boot-mode')) ?? 0) & bootFromUsb) !== 0;
  const partition = (number: number) => (usb ? `/dev/sda${number}` : `/dev/mmcblk0p${number}`);

  async function run(...argv: string[]): Promise<void> {
    const { code, stderr } = await processes.run(argv, { timeout: programTimeout });
    if (code !== 0)
      throw new HostError('EIO', `run ${argv[0]} for`, argv.at(-1), stderr.trim() || `it ended with ${code}`);
  }

  return {
    tryboot: async () => ((await property(files, 'tryboot')) ?? 0) !== 0,
    withPartition: async (number, act) => {
      await makeTree(files, mountPoint);
      await mounts.mount({ source: partition(number), target: mountPoint, type: 'vfat' });
      try {
        return await act(mountPoint);
      } finally {
        await mounts.unmount(mountPoint);
      }
    },
    writeImage: async (number, image) => {
      const plain = image.replace(/\.gz$/, '');
      if (plain !== image) await run('gzip', '-dkf', image);
      await run('dd', `if=${plain}`, 'bs=1M', 'conv=fsync', `of=${partition(number)}`);
      if (plain !== image) await removeDurable(files, plain);
    },
    armTryboot: () => run('vcmailbox', '0x00038064', '4', '4', '1'),
  };
}
