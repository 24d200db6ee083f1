/** Disks of device.json and of the older root files (state-format §4.1). */
import { Fields, type Place, readList, spotOf } from '../fields.ts';
import type { Disk } from '../model.ts';
import { whyNotName } from '../paths.ts';
import { quote, type Report, type Spot } from '../report.ts';

/** `directory` is documented and unfinished in the original; here it works. */
const types = [
  'dm-crypt-versatile',
  'dm-crypt-caam',
  'dm-crypt-dcp',
  'swap-disk',
  'volume-disk',
  'dual',
  'directory',
] as const satisfies readonly Disk['type'][];

const modes = ['mainline', 'nxp'] as const;
const formats = ['swap', 'ext3', 'ext4'] as const;
const dualSteps = ['primary', 'secondary', 'create-primary', 'create-secondary', 'copy-once-to-primary'] as const;

/** Optional strings: member of the disk, spelling of the format, spelling of its documentation. */
const texts = [
  ['path', 'path'],
  ['uuid', 'uuid'],
  ['mountTarget', 'mount_target'],
  ['mountOptions', 'mount_options', 'mount_ops', 'options'],
  ['formatOptions', 'format_options', 'format_ops'],
  ['provisionOptions', 'provision_options', 'provision_ops'],
  ['provision', 'provision'],
] as const;

/** A disk as read, with the places that the check of the whole list names. */
export interface DiskDraft {
  disk: Disk;
  spot: Spot;
}

/**
 * Reads one list of disks.
 * @param lenient skip disks of unknown type with a warning, and allow an empty list (`disks_v3`)
 */
export function readDisks(report: Report, place: Place, lenient: boolean): DiskDraft[] {
  const items = readList(report, place);
  if (!items) return [];
  if (items.length === 0 && !lenient) {
    report.add('disks-empty', spotOf(place), 'cannot use an empty list of disks', 'leave the list out');
  }
  const drafts: DiskDraft[] = [];
  for (const item of items) {
    const fields = Fields.of(report, item, 'type-mismatch');
    const disk = fields && readDisk(fields, lenient);
    if (disk) drafts.push({ disk, spot: spotOf(item) });
  }
  return drafts;
}

function readDisk(fields: Fields, lenient: boolean): Disk | undefined {
  const name = fields.string('name') ?? '';
  const typeText = fields.string('type');
  const type = types.find((word) => word === typeText);
  if (!type) {
    const message =
      typeText === undefined
        ? `the disk ${quote(name)} has no type`
        : `the disk ${quote(name)} has the unknown type ${quote(typeText)}`;
    if (lenient) fields.report.add('disk-type-skipped', fields.spot('type'), `${message}; it is skipped`);
    else
      fields.report.add(
        'disk-type-unknown',
        fields.spot('type'),
        `cannot use a disk: ${message}`,
        `use one of ${types.join(', ')}`,
      );
    return undefined;
  }
  const refusal = whyNotName(name);
  if (refusal)
    fields.report.add('disk-name', fields.spot('name'), `cannot name a disk ${quote(name)}: ${refusal}`, 'set "name"');
  const disk: Disk = {
    name,
    type,
    mode: softWord(fields, 'mode', modes) ?? 'unknown',
    default: fields.boolean('default', ['yes', 'true'], ['no', 'false']) ?? false,
    migrateKeyblob: fields.boolean('migrate_keyblob', ['yes', 'true'], ['no', 'false']) ?? false,
    aliases: fields.strings('aliases').map(({ text }) => text),
    disks: [],
    initOrder: [],
  };
  const format = softWord(fields, 'format', formats);
  if (format) disk.format = format;
  for (const [member, ...spellings] of texts) {
    const text = fields.anyString(...spellings);
    if (text) disk[member] = text;
  }
  if (type === 'dual') readDual(fields, disk);
  return disk;
}

function softWord<W extends string>(fields: Fields, key: string, words: readonly W[]): W | undefined {
  return fields.string(key) === '' ? undefined : fields.word(key, words, 'disk-value-unknown');
}

function readDual(fields: Fields, disk: Disk): void {
  disk.disks = fields.strings('disks').map(({ text }) => text);
  const steps = fields.strings('init_order');
  disk.initOrder = steps.map(({ text }) => text);
  const { report } = fields;
  if (disk.disks.length > 4)
    report.add(
      'disk-dual',
      fields.spot('disks'),
      `cannot use ${disk.disks.length} disks in ${quote(disk.name)}: at most 4`,
    );
  if (steps.length > 8)
    report.add(
      'disk-dual',
      fields.spot('init_order'),
      `cannot use ${steps.length} steps in ${quote(disk.name)}: at most 8`,
    );
  for (const { text, place } of steps) {
    if (!dualSteps.some((step) => step === text)) {
      report.add(
        'disk-dual',
        spotOf(place),
        `cannot use the step ${quote(text)}`,
        `use one of ${dualSteps.join(', ')}`,
      );
    }
  }
}

/** Checks the merged list: aliases against names and each other, one default, members of dual disks. */
export function checkDisks(report: Report, drafts: readonly DiskDraft[]): Disk[] {
  const names = new Map<string, Disk>();
  for (const { disk, spot } of drafts) {
    if (names.has(disk.name))
      report.add('disk-duplicate', spot, `the disk ${quote(disk.name)} is declared again; the first one counts`);
    else names.set(disk.name, disk);
  }
  const claimed = new Map<string, Disk>();
  let defaultDisk: Disk | undefined;
  for (const { disk, spot } of drafts) {
    for (const alias of disk.aliases) {
      const holder = claimed.get(alias) ?? names.get(alias);
      if (alias === '') report.add('disk-alias', spot, `cannot use an empty alias of the disk ${quote(disk.name)}`);
      else if (holder && holder !== disk && holder.name !== disk.name) {
        report.add(
          'disk-alias',
          spot,
          `cannot use the alias ${quote(alias)} of the disk ${quote(disk.name)}: the disk ${quote(holder.name)} has it`,
        );
      }
      claimed.set(alias, disk);
    }
    if (!disk.default) continue;
    if (defaultDisk)
      report.add(
        'disk-default-many',
        spot,
        `${quote(disk.name)} is a second default disk; ${quote(defaultDisk.name)} counts`,
      );
    defaultDisk ??= disk;
  }
  for (const { disk, spot } of drafts) {
    for (const part of disk.disks) {
      if (!names.has(part) && !claimed.has(part))
        report.add(
          'disk-unknown',
          spot,
          `the dual disk ${quote(disk.name)} needs a disk ${quote(part)}, which is not declared`,
        );
    }
  }
  return drafts.map(({ disk }) => disk);
}

/** Disks by name and alias; names come before aliases, and of equal names the first counts. */
export interface DiskIndex {
  byName: ReadonlyMap<string, Disk>;
  /** The disk of volumes that name none. */
  fallback: Disk | undefined;
}

export function indexDisks(disks: readonly Disk[]): DiskIndex {
  const byName = new Map<string, Disk>();
  const add = (name: string, disk: Disk): void => {
    if (!byName.has(name)) byName.set(name, disk);
  };
  for (const disk of disks) add(disk.name, disk);
  for (const disk of disks) for (const alias of disk.aliases) add(alias, disk);
  return { byName, fallback: disks.find((disk) => disk.default) };
}
