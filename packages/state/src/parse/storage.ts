/** Storage entries and volumes of containers and of the device (state-format §5.1, §5.3). */
import { Fields, type Place, spotOf } from '../fields.ts';
import type { ImageVolume, StorageVolume, VolumeKind } from '../model.ts';
import { whyNotPathBelow, whyNotRelativePath } from '../paths.ts';
import { quote, type Report, type Spot } from '../report.ts';
import type { DiskIndex } from './disks.ts';

const persistences = ['permanent', 'revision', 'boot'] as const;

/** A volume as read: whether its disk exists is seen when all disks are known. */
export interface StorageDraft {
  volume: StorageVolume;
  spot: Spot;
}

/** Reads an object of storage entries; entries without `persistence` are left out, with a warning. */
export function readStorage(fields: Fields): StorageDraft[] {
  const drafts: StorageDraft[] = [];
  for (const { key, place } of fields.entries()) {
    const entry = Fields.of(fields.report, place);
    if (!entry) continue;
    const refusal = whyNotPathBelow(key);
    if (refusal)
      fields.report.add('storage-name', spotOf(place), `cannot use ${quote(key)} as a storage entry: ${refusal}`);
    const text = entry.string('persistence');
    if (text === undefined) {
      fields.report.add(
        'storage-persistence-missing',
        spotOf(place),
        `the storage entry ${quote(key)} has no persistence and is ignored`,
        'add "persistence": "permanent", "revision" or "boot"',
      );
      continue;
    }
    const known = persistences.find((word) => word === text);
    if (!known) {
      fields.report.add(
        'storage-persistence-unknown',
        entry.spot('persistence'),
        `the persistence ${quote(text)} is unknown and taken as boot: nothing outlives a restart`,
        'use permanent, revision or boot',
      );
    }
    const volume: StorageVolume = { source: 'storage', name: key, persistence: known ?? 'boot' };
    const disk = entry.string('disk');
    if (disk) volume.disk = disk;
    drafts.push({ volume, spot: entry.spot(disk ? 'disk' : undefined) });
  }
  return drafts;
}

/** Names the disk of each volume: alias to name, none to the default disk. An unknown name stays, with a warning. */
export function resolveDisks(report: Report, drafts: readonly StorageDraft[], disks: DiskIndex): StorageVolume[] {
  return drafts.map(({ volume, spot }) => {
    const found = volume.disk === undefined ? disks.fallback : disks.byName.get(volume.disk);
    if (found) return { ...volume, disk: found.name };
    if (volume.disk !== undefined) {
      const message = `no disk is called ${quote(volume.disk)}; the volume ${quote(volume.name)} cannot be mounted`;
      report.add('disk-unknown', spot, message, 'declare the disk in device.json');
    }
    return volume;
  });
}

/** Splits `[handler:]file`. Undefined (reported) when it names no file with an extension inside the directory. */
export function readVolume(report: Report, place: Place, text: string, root: boolean): ImageVolume | undefined {
  const colon = text.indexOf(':');
  const file = text.slice(colon + 1);
  const filesystem = /\.([A-Za-z0-9_-]+)$/.exec(file)?.[1];
  const refusal = whyNotRelativePath(file);
  if (refusal || colon === 0 || filesystem === undefined) {
    const reason =
      refusal ??
      (colon === 0 ? 'the handler before the colon is empty' : 'it has no file extension that names a file system');
    report.add(
      'volume-name',
      spotOf(place),
      `cannot use ${quote(text)} as a volume: ${reason}`,
      'write [handler:]file, for example root.squashfs or dm:root.squashfs',
    );
    return undefined;
  }
  const special: Record<string, VolumeKind> = { bind: 'bind', data: 'data' };
  const kind: VolumeKind = Object.hasOwn(special, filesystem) ? (special[filesystem] ?? 'image') : 'image';
  const volume: ImageVolume = { source: 'image', file, kind, filesystem, root };
  if (colon > 0) volume.handler = text.slice(0, colon);
  return volume;
}
