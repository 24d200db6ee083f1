/**
 * What the booted revision brings for the board, before any container: swap space, disks, volumes without an owner, kernel modules and firmware
 * (boot.md §4, §5). Metadata and credentials of the device may lie on such a volume, so this comes before they are read.
 */
import type { Disk, ImageVolume, ParseContext, State } from '@pantavisor/state';
import type { Places } from '../boot/places.ts';
import type { DeviceConfig } from '../config/table.ts';
import { Disks } from '../disks/disks.ts';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import type { Log } from '../runtime/log.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { hasBootFiles } from '../updates/install-steps.ts';
import { type PreparedRevision, prepareRevision } from '../updates/prepared-revision.ts';
import { emptyDirectory, makeDirectories } from '../volumes/directories.ts';
import type { VolumeHandlers } from '../volumes/handlers.ts';
import { MountLedger } from '../volumes/ledger.ts';
import { plainDiskRoot, planVolume } from '../volumes/plan.ts';
import { mountVolumes } from '../volumes/volumes.ts';

export interface BoardParts {
  host: Pick<Host, 'files' | 'mounts' | 'processes' | 'signatures' | 'system'>;
  config: DeviceConfig;
  places: Places;
  layout: StorageLayout;
  context: ParseContext;
  handlers: VolumeHandlers;
  log: Log;
}

/** Name that stands for the owner of volumes that no container owns. */
export const boardOwner = 'bsp';
const firmwareVolume = 'pv--firmware';
const firmwarePath = '/sys/module/firmware_class/parameters/path';

export class Board {
  readonly #parts: BoardParts;
  #disks: Disks | undefined;
  #prepared: PreparedRevision | undefined;
  #failure: unknown;
  #isTaken = false;

  constructor(parts: BoardParts) {
    this.#parts = parts;
  }

  /**
   * Brings everything up that the revision asks for. What fails is kept for `take`: the revision then fails as such, and the one before it comes
   * back, which a device that ended here could not do. A revision that cannot be read brings nothing; why is said when it is run.
   */
  async raise(revision: string): Promise<void> {
    const { layout, log } = this.#parts;
    this.#prepared = await prepareRevision(this.#parts, revision).catch(() => undefined);
    if (this.#prepared === undefined) return;
    try {
      await this.#raise(this.#prepared, layout.revision(revision).directory);
    } catch (error) {
      this.#failure = error;
      log('ERROR', 'board', error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * The revision that the board was raised for, so that it is read and proven once. The caller may change the machine from then on: a
   * second call has nothing.
   * @throws what kept the board from coming up
   */
  take(revision: string): PreparedRevision | undefined {
    if (this.#prepared?.name !== revision) return undefined;
    if (this.#failure !== undefined) throw this.#failure;
    const prepared = this.#isTaken ? undefined : this.#prepared;
    this.#isTaken = true;
    return prepared;
  }

  /** Root directory of a disk of a state; undefined when it cannot be used. */
  diskRoot(name: string, disks: readonly Disk[]): string | undefined {
    const disk = disks.find((candidate) => candidate.name === name);
    return this.#disks?.directory(name) ?? plainDiskRoot(disk, this.#parts.places.storage);
  }

  /** Directory of a volume of device.json, when the revision has it. */
  volume(name: string): string | undefined {
    const has =
      this.#failure === undefined &&
      this.#prepared?.state.deviceVolumes.some((volume) => volume.name === name) === true;
    return has ? `${this.#parts.places.volumes}/${boardOwner}/${name}` : undefined;
  }

  /** Takes away what cannot stay until the machine's end: other disks may lie below. */
  async lower(): Promise<void> {
    const { host, places, log } = this.#parts;
    const directory = `${places.volumes}/${boardOwner}`;
    try {
      await (await MountLedger.read(host.mounts, [directory])).unmountBelow(directory);
    } catch (error) {
      log('ERROR', 'board', error instanceof Error ? error.message : String(error));
    }
    await this.#disks?.close();
  }

  async #raise({ name: revision, state, check }: PreparedRevision, trail: string): Promise<void> {
    const { host, config, places, log } = this.#parts;
    const isDevice = config.PV_SYSTEM_INIT_MODE !== 'appengine';
    const images = isDevice ? [...boardImages(state, host.system.kernelRelease)] : [];
    if (images.length > 0) {
      await check.expand(hasBootFiles(config)).catch(() => undefined);
      await check.verify();
    }
    this.#disks = new Disks({ host, places: { ...places, disks: config.PV_SYSTEM_DISKSDIR }, log }, state.disks);
    await this.#disks.openSwaps();
    await this.#openDisks(state);
    const ledger = await MountLedger.read(host.mounts, [`${places.volumes}/${boardOwner}`]);
    const volumeContext = {
      places,
      revision,
      trail: `${trail}/${boardOwner}`,
      target: `${places.volumes}/${boardOwner}`,
      diskRoot: (name: string) => this.diskRoot(name, state.disks),
      handlers: config.PV_SECUREBOOT_HANDLERS,
    };
    const volumes = [...images.map(({ volume }) => volume), ...state.deviceVolumes];
    const steps = volumes.map((volume) => planVolume(volume, boardOwner, volumeContext));
    await mountVolumes({ host, ledger, handlers: this.#parts.handlers }, boardOwner, steps);
    for (const { volume, target } of images) await this.#show(`${volumeContext.target}/${volume.file}`, target);
    if (isDevice && config.PV_STORAGE_FIRMWARE_VOL) await this.#lookForFirmware(state, volumeContext.target);
  }

  /** A disk that only containers use may fail: they fail alone. One that a volume of the device uses may not. */
  async #openDisks(state: State): Promise<void> {
    const vital = new Set(state.deviceVolumes.flatMap(({ disk }) => disk ?? []));
    const used = new Set(vital);
    for (const { volumes } of state.containers)
      for (const volume of volumes) if (volume.source === 'storage' && volume.disk !== undefined) used.add(volume.disk);
    for (const name of used) {
      try {
        await this.#disks?.open(name);
      } catch (error) {
        if (vital.has(name)) throw error;
        this.#parts.log('ERROR', 'disks', error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** Puts a mounted image in the place where the kernel's helpers look; what the initramfs has there gives way, and its memory with it. */
  async #show(source: string, target: string): Promise<void> {
    const { files, mounts } = this.#parts.host;
    if ((await mounts.list()).some((mount) => mount.target === target)) return;
    await makeDirectories(files, target);
    await emptyDirectory(files, target);
    await mounts.mount({ source, target, flags: ['bind'] });
  }

  async #lookForFirmware(state: State, directory: string): Promise<void> {
    const { host, log } = this.#parts;
    const { files } = host;
    if (!state.deviceVolumes.some(({ name }) => name === firmwareVolume)) {
      // Not the end of the revision: a board may have all its firmware in an image of its board support part.
      const where = `PV_STORAGE_FIRMWARE_VOL=1, but device.json has no volume ${firmwareVolume}`;
      const what = 'the kernel looks for firmware in /lib/firmware alone';
      log('WARN', 'board', `${where}: ${what}; add the volume or set PV_STORAGE_FIRMWARE_VOL=0`);
      return;
    }
    await files.write(firmwarePath, await files.realPath(`${directory}/${firmwareVolume}`));
  }
}

/** Images of the board support part, and where they are to be seen. */
function* boardImages({ bsp }: State, release: string): Generator<{ volume: ImageVolume; target: string }> {
  const modules = bsp?.modulesFor[release] ?? bsp?.modules;
  if (bsp?.firmware !== undefined) yield { volume: imageVolume(bsp.firmware), target: '/lib/firmware' };
  if (modules !== undefined) yield { volume: imageVolume(modules), target: `/lib/modules/${release}` };
}

/** `[handler:]file` */
function imageVolume(text: string): ImageVolume {
  const colon = text.indexOf(':');
  const file = text.slice(colon + 1);
  const filesystem = /\.([^.]+)$/.exec(file)?.[1];
  if (filesystem === undefined)
    throw new Failure(
      'bsp-volume',
      `cannot mount ${text} of the board support part: its name ends with no file system`,
      {
        file: 'bsp/run.json',
        hint: 'name images like modules.squashfs',
      },
    );
  return {
    source: 'image',
    file,
    kind: 'image',
    filesystem,
    root: false,
    ...(colon > 0 ? { handler: text.slice(0, colon) } : {}),
  };
}
