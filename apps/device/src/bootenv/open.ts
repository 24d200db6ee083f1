/** Choosing the boot environment of a device by its configuration (updates.md §6). */
import type { DeviceConfig } from '../config/table.ts';
import { type Files, type Host, HostError } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { isCode, readIfThere, writeDurable } from '../storage/durable.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { type FlashPartition, openFlash, parseFlashTable } from './flash.ts';
import { grubEnvironment } from './grub.ts';
import { readWithoutJournal } from './in-place.ts';
import type { BootEnvironment } from './port.ts';
import { openRpiBoard } from './rpi-board.ts';
import { rpiabEnvironment } from './rpiab.ts';
import { fileBlockStore, flashBlockStore, ubootEnvironment } from './uboot.ts';
import { ubootAbEnvironment } from './uboot-ab.ts';
import type { FlagKind } from './uboot-env-image.ts';
import { createEnvironmentStore, type EnvironmentPlace, formatToolConfig } from './uboot-env-store.ts';

export interface BootOptions {
  host: Pick<Host, 'files' | 'mounts' | 'processes' | 'hashing' | 'text'>;
  config: Pick<
    DeviceConfig,
    | 'PV_BOOTLOADER_TYPE'
    | 'PV_BOOTLOADER_MTD_ENV'
    | 'PV_BOOTLOADER_MTD_ONLY'
    | 'PV_BOOTLOADER_UBOOTAB_A_NAME'
    | 'PV_BOOTLOADER_UBOOTAB_B_NAME'
    | 'PV_BOOTLOADER_UBOOTAB_ENV_NAME'
    | 'PV_BOOTLOADER_UBOOTAB_ENV_BAK_NAME'
    | 'PV_BOOTLOADER_UBOOTAB_ENV_OFFSET'
    | 'PV_BOOTLOADER_UBOOTAB_ENV_SIZE'
    | 'PV_SYSTEM_INIT_MODE'
    | 'PV_SYSTEM_ETCDIR'
  >;
  layout: StorageLayout;
  /** The revision on the kernel command line, see `namedRevision`. */
  running: string;
  /** Directory for mounting boot partitions for a moment. */
  mountPoint: string;
}

const defaultFlashEnvironment = 'pv-env';

/**
 * Opens the boot environment that `PV_BOOTLOADER_TYPE` names. In app-engine mode, where a launcher plays the boot loader, that is always the
 * file of `uboot`, and no flash is touched.
 * Fails with `boot-flash-missing` when a flash partition that is configured is not there.
 */
export async function openBootEnvironment(options: BootOptions): Promise<BootEnvironment> {
  const { host, config, layout } = options;
  const { files, text } = host;
  const store = fileBlockStore(files, `${layout.boot}/uboot.txt`);
  if (config.PV_SYSTEM_INIT_MODE === 'appengine') return ubootEnvironment({ store, text });
  switch (config.PV_BOOTLOADER_TYPE) {
    case 'grub':
      return readWithoutJournal(grubEnvironment({ files, text, path: `${layout.boot}/grubenv` }), files, layout.root);
    case 'rpiab': {
      const board = await openRpiBoard({ ...host, mountPoint: options.mountPoint });
      return rpiabEnvironment({ files, text, path: `${layout.boot}/rpiab.txt`, board });
    }
    case 'uboot-ab':
      return openUbootAb(options, await flashTable(files));
    default:
      return readWithoutJournal(openUboot(options, await flashTable(files)), files, layout.root);
  }
}

/** Partitions by name. */
async function flashTable(files: Files): Promise<Map<string, FlashPartition>> {
  const table = parseFlashTable((await readIfThere(files, '/proc/mtd')) ?? '');
  return new Map(table.map((partition) => [partition.name, partition]));
}

function findPartition(table: Map<string, FlashPartition>, name: string | undefined, key: string): FlashPartition {
  const found = name === undefined ? undefined : table.get(name);
  if (found !== undefined) return found;
  throw new Failure('boot-flash-missing', `cannot find the flash partition "${name ?? ''}" of the boot loader`, {
    file: '/proc/mtd',
    hint: `set ${key} to one of: ${Array.from(table.keys()).join(', ') || 'none, this machine has no flash'}`,
  });
}

function openUboot({ host, config, layout }: BootOptions, table: Map<string, FlashPartition>): BootEnvironment {
  const { files, processes, text } = host;
  const name = config.PV_BOOTLOADER_MTD_ENV ?? defaultFlashEnvironment;
  if (config.PV_BOOTLOADER_MTD_ONLY) {
    const flash = openFlash(files, processes, findPartition(table, name, 'PV_BOOTLOADER_MTD_ENV'));
    return ubootEnvironment({ store: flashBlockStore(flash), text });
  }
  const memory = table.get(name);
  const store = fileBlockStore(files, `${layout.boot}/uboot.txt`);
  return ubootEnvironment({ store, text, ...(memory && { bootMemory: openFlash(files, processes, memory) }) });
}

async function openUbootAb(options: BootOptions, table: Map<string, FlashPartition>): Promise<BootEnvironment> {
  const { host, config, running } = options;
  const { files, processes, hashing, text } = host;
  const copies = [findPartition(table, config.PV_BOOTLOADER_UBOOTAB_ENV_NAME, 'PV_BOOTLOADER_UBOOTAB_ENV_NAME')];
  const backup = config.PV_BOOTLOADER_UBOOTAB_ENV_BAK_NAME;
  if (backup !== undefined) copies.push(findPartition(table, backup, 'PV_BOOTLOADER_UBOOTAB_ENV_BAK_NAME'));
  const offset = config.PV_BOOTLOADER_UBOOTAB_ENV_OFFSET;
  const sizeOf = ({ eraseSize }: FlashPartition) => config.PV_BOOTLOADER_UBOOTAB_ENV_SIZE || eraseSize;
  await writeToolConfig(
    files,
    `${config.PV_SYSTEM_ETCDIR}/fw_env.config`,
    formatToolConfig(
      copies.map((partition) => {
        const size = sizeOf(partition);
        return { ...partition, offset, size, sectors: Math.ceil(size / partition.eraseSize) };
      }),
    ),
  );
  const [first, second] = copies.map(
    (partition): EnvironmentPlace => ({
      flash: openFlash(files, processes, partition),
      offset,
      size: sizeOf(partition),
    }),
  );
  if (first === undefined) throw new HostError('ENODEV', 'open boot environment');
  const environment = createEnvironmentStore({
    places: second === undefined ? [first] : [first, second],
    flags: await flagKind(files, copies[0]?.device ?? ''),
    text,
  });
  const image = (name: string, key: string) => openFlash(files, processes, findPartition(table, name, key));
  const a = image(config.PV_BOOTLOADER_UBOOTAB_A_NAME, 'PV_BOOTLOADER_UBOOTAB_A_NAME');
  const b = image(config.PV_BOOTLOADER_UBOOTAB_B_NAME, 'PV_BOOTLOADER_UBOOTAB_B_NAME');
  return ubootAbEnvironment({ files, text, hashing, environment, running, partitions: [a, b] });
}

/** U-Boot marks copies in NOR flash as active, and counts on everything else. */
async function flagKind(files: Files, device: string): Promise<FlagKind> {
  const type = await readIfThere(files, `/sys/class/mtd/${device.slice(device.lastIndexOf('/') + 1)}/type`);
  return type?.trim() === 'nor' ? 'active' : 'counter';
}

/** For people with fw_printenv; the device itself does not need it, so a root file system that is read-only is no obstacle. */
async function writeToolConfig(files: Files, path: string, content: string): Promise<void> {
  try {
    if ((await readIfThere(files, path)) !== content) await writeDurable(files, path, content);
  } catch (error) {
    if (!isCode(error, 'EROFS') && !isCode(error, 'ENOENT') && !isCode(error, 'EACCES')) throw error;
  }
}
