/** What has to be mounted for a container, in order, as data (containers.md §2). */
import type { Container, ImageVolume, StorageVolume, Volume } from '@pantavisor/state';
import type { Places } from '../boot/places.ts';

/** Where the volumes of one start come from and go to. */
export interface VolumeContext {
  places: Pick<Places, 'storage'>;
  revision: string;
  /** Directory of the container in the revision, e.g. `<S>/trails/0/web`. */
  trail: string;
  /** Directory that receives the mount points, `<V>/<container>` or, for a start mounted aside, another one. */
  target: string;
  /** Root directory of a disk by name; undefined when it cannot be used. */
  diskRoot: (name: string) => string | undefined;
  /** Handlers (`dm:`) run only when PV_SECUREBOOT_HANDLERS says so. */
  handlers: boolean;
}

/** One step. `target` is always a mount point of its own. */
export type VolumeStep =
  | { kind: 'image'; source: string; target: string; filesystem: string }
  /** Mounts a file on a file. */
  | { kind: 'bind-file'; source: string; target: string }
  /** Mounts a directory of the revision with everything below it. */
  | { kind: 'bind-tree'; source: string; target: string }
  /** A program of the installation brings the volume to `target`. */
  | { kind: 'handler'; handler: string; source: string; target: string; file: string }
  /** Mounts a directory of the storage, made if missing; `wipe` empties it first. */
  | { kind: 'bind-storage'; source: string; target: string; wipe: boolean }
  | { kind: 'temporary'; target: string }
  /** Cannot be done: the disk of the volume is not known or not there. */
  | { kind: 'disk-missing'; disk: string; target: string };

/** Plans all volumes of a container, in mount order. */
export function planVolumes(container: Container, context: VolumeContext): VolumeStep[] {
  return container.volumes.map((volume) => planVolume(volume, container.name, context));
}

/** Plans one volume. @param owner name of the container, or `bsp` */
export function planVolume(volume: Volume, owner: string, context: VolumeContext): VolumeStep {
  return volume.source === 'image' ? planImage(volume, context) : planStorage(volume, owner, context);
}

function planImage(volume: ImageVolume, { trail, target: directory, handlers }: VolumeContext): VolumeStep {
  const { file, filesystem, handler } = volume;
  const source = `${trail}/${file}`;
  const target = `${directory}/${file}`;
  if (volume.kind === 'bind') return { kind: 'bind-file', source, target };
  if (volume.kind === 'data') return { kind: 'bind-tree', source, target };
  if (handler !== undefined && handlers) return { kind: 'handler', handler, source, target, file };
  return { kind: 'image', source, target, filesystem };
}

function planStorage(volume: StorageVolume, owner: string, context: VolumeContext): VolumeStep {
  const { name, persistence, disk } = volume;
  const target = `${context.target}/${name}`;
  if (disk === undefined && persistence === 'boot') return { kind: 'temporary', target };
  const root = disk === undefined ? `${context.places.storage}/disks` : context.diskRoot(disk);
  if (root === undefined) return { kind: 'disk-missing', disk: disk ?? '', target };
  const source = {
    permanent: `${root}/perm/${owner}/${name}`,
    revision: `${root}/rev/${context.revision}/${owner}/${name}`,
    boot: `${root}/boot/${owner}/${name}`,
  }[persistence];
  return { kind: 'bind-storage', source, target, wipe: persistence === 'boot' };
}

/**
 * Root directories of the disks that need no mounting of their own; the others are the business of the room that opens disks.
 * A `volume-disk` without provision and a `directory` disk are plain directories (boot.md §5).
 */
export function plainDiskRoot(
  disk: { name: string; type: string; provision?: string; path?: string } | undefined,
  storage: string,
): string | undefined {
  if (disk?.type === 'volume-disk' && disk.provision === undefined) return `${storage}/pv/volume-disk/${disk.name}`;
  if (disk?.type === 'directory') return disk.path;
  return undefined;
}
