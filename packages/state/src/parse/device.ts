/** Groups, disks, pools and device volumes, from device.json or from the older root files (state-format §3, §4, §6). */
import { Fields, type Place, spotOf } from '../fields.ts';
import type { Disk, Group, NetworkPool, ParseContext, RemountRule, StorageVolume } from '../model.ts';
import type { Report, Spot } from '../report.ts';
import { checkDisks, type DiskDraft, indexDisks, readDisks } from './disks.ts';
import { defaultGroups, readGroups } from './groups.ts';
import { readPools } from './network.ts';
import { readRemount } from './remount.ts';
import { readStorage, resolveDisks } from './storage.ts';

export interface Device {
  groups: Group[];
  runlevelMode: boolean;
  disks: Disk[];
  volumes: StorageVolume[];
  pools: NetworkPool[];
  remount: Record<string, RemountRule[]>;
}

const olderFiles = ['disks.json', 'disks_v2.json', 'disks_v3.json', 'groups.json'] as const;

/**
 * Reads what belongs to the device as a whole.
 *
 * `device.json` replaces the older files. Without `groups` it is ignored, as the original does; there a container then
 * crashes the runtime, so here it is an error. `disks_v2.json` at the root is documented but not read by the original; it
 * is read here as `disks_v3.json` is, skipping what is unknown, so that no state is rejected that the original runs.
 *
 * @param hasContainers the state declares at least one container
 */
export function readDevice(
  report: Report,
  file: (key: string) => Place | undefined,
  context: ParseContext,
  hasContainers: boolean,
  rootSpot: Spot,
): Device {
  const device = file('device.json');
  return device
    ? readDeviceFile(report, device, file, context, hasContainers)
    : readOlderFiles(report, file, context, rootSpot);
}

function emptyDevice(): Device {
  return { groups: [], runlevelMode: false, disks: [], volumes: [], pools: [], remount: {} };
}

function readDeviceFile(
  report: Report,
  place: Place,
  file: (key: string) => Place | undefined,
  context: ParseContext,
  hasContainers: boolean,
): Device {
  for (const name of olderFiles) {
    const ignored = file(name);
    if (ignored)
      report.add(
        'device-json-only',
        spotOf(ignored),
        `${name} is ignored because there is a device.json`,
        'move its content into device.json',
      );
  }
  const fields = Fields.of(report, place, 'type-mismatch');
  if (!fields) return emptyDevice();
  const groupsPlace = fields.get('groups');
  if (!groupsPlace) {
    const hint = 'add "groups" with the groups of the containers';
    if (hasContainers)
      report.add('groups-missing', fields.spot(), 'cannot run containers: device.json has no groups', hint);
    else report.add('groups-missing-ignored', fields.spot(), 'device.json has no groups and is ignored', hint);
    return emptyDevice();
  }
  const groups = readGroups(report, groupsPlace, context) ?? [];
  const drafts: DiskDraft[] = [];
  for (const key of ['disks', 'disks_v2', 'disks_v3']) {
    const list = fields.get(key);
    if (list) drafts.push(...readDisks(report, list, key === 'disks_v3'));
  }
  const disks = checkDisks(report, drafts);
  const storage = fields.object('volumes');
  return {
    groups,
    runlevelMode: false,
    disks,
    volumes: storage ? resolveDisks(report, readStorage(storage), indexDisks(disks)) : [],
    pools: readPools(fields),
    remount: readRemount(fields),
  };
}

function readOlderFiles(
  report: Report,
  file: (key: string) => Place | undefined,
  context: ParseContext,
  rootSpot: Spot,
): Device {
  const drafts: DiskDraft[] = [];
  for (const key of ['disks.json', 'disks_v2.json', 'disks_v3.json']) {
    const list = file(key);
    if (list) drafts.push(...readDisks(report, list, key !== 'disks.json'));
  }
  const groupsFile = file('groups.json');
  const groups = groupsFile ? readGroups(report, groupsFile, context) : defaultGroups(report, rootSpot, context);
  return {
    ...emptyDevice(),
    groups: groups ?? [],
    runlevelMode: !groupsFile,
    disks: checkDisks(report, drafts),
  };
}
