/** How much room logs may take: the configured size, and the limits that follow from it (config.md §6, logs.md §6). */

const units: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  K: 1024,
  KB: 1000,
  M: 1024 ** 2,
  MB: 1000 ** 2,
  G: 1024 ** 3,
  GB: 1000 ** 3,
  T: 1024 ** 4,
  TB: 1000 ** 4,
};
/** Share of a partition that logs get when nobody says otherwise. */
const autoShare = 0.1;

export interface Partition {
  /** Bytes. */
  total: number;
  /** Kind of file system, e.g. `tmpfs`. */
  type: string;
}

/** Limits in bytes. */
export interface LogLimits {
  /** All logs of the running revision. */
  total: number;
  /** Beyond this, archives go … */
  high: number;
  /** … until no more than this is left. */
  low: number;
  /** Size at which one file is rotated. */
  rotate: number;
}

/**
 * Reads PV_LOG_DIR_MAXSIZE: a size, a percentage of the partition, or `0` for a tenth of it (all of it when it is in memory).
 * @returns the size in bytes, with a sentence when the value could not be used and the automatic size stands in for it
 */
export function maximumSize(value: string, partition: Partition): { size: number; problem?: string } {
  const automatic = Math.floor(partition.type === 'tmpfs' ? partition.total : partition.total * autoShare);
  if (value === '' || value.startsWith('0')) return { size: automatic };
  const refuse = (why: string) => ({
    size: automatic,
    problem: `cannot use ${JSON.stringify(value)} for PV_LOG_DIR_MAXSIZE: ${why}; logs may take ${automatic} bytes`,
  });
  const match = /^(\d{1,15})(%|[A-Z]{0,2})$/.exec(value);
  const [, digits = '', unit = ''] = match ?? [];
  const number = Number(digits);
  if (match !== null && unit === '%')
    return number <= 100 ? { size: Math.floor((partition.total * number) / 100) } : refuse('it is more than 100 %');
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (match === null || factor === undefined)
    return refuse('it is neither a size, such as 512K or 16MB, nor a percentage');
  if (number * factor > partition.total) return refuse(`the partition has ${partition.total} bytes`);
  return { size: number * factor };
}

/** Limits for a size. Factors below 1 count as 1. */
export function limitsOf(total: number, hysteresisFactor: number, rotateFactor: number): LogLimits {
  const gap = total / Math.max(1, hysteresisFactor);
  return {
    total,
    high: Math.floor(total * 0.9),
    low: Math.floor(total - gap),
    rotate: Math.max(1, Math.floor(gap / Math.max(1, rotateFactor))),
  };
}

/** A file below the log directory of a revision. */
export interface StoredLog {
  path: string;
  size: number;
}

const archive = /^(.+)\.(\d+)(?:\.gz)?$/;

/** The log that an archive was cut from, and its number; undefined for a log that is being written. */
export function archiveOf(path: string): { log: string; number: number } | undefined {
  const [, log, digits] = archive.exec(path) ?? [];
  return log === undefined || digits === undefined ? undefined : { log, number: Number(digits) };
}

/** Number for the next archive of a log, from the names beside it. */
export function nextArchiveNumber(log: string, names: readonly string[]): number {
  const numbers = names.flatMap((name) => {
    const found = archiveOf(name);
    return found?.log === log ? [found.number] : [];
  });
  return Math.max(0, ...numbers) + 1;
}

/**
 * Chooses archives to delete: always from the directory that holds most, there the oldest of the log that has most archives, until the
 * rest fits.
 * @returns paths in the order of deletion; logs that are being written are never among them
 */
export function planCleanUp(stored: readonly StoredLog[], low: number): string[] {
  const directories = new Map<string, { size: number; logs: Map<string, (StoredLog & { number: number })[]> }>();
  let total = 0;
  for (const file of stored) {
    total += file.size;
    const name = file.path.slice(0, file.path.lastIndexOf('/'));
    const directory = directories.get(name) ?? { size: 0, logs: new Map() };
    directories.set(name, directory);
    directory.size += file.size;
    const found = archiveOf(file.path);
    if (found !== undefined)
      directory.logs.set(found.log, [...(directory.logs.get(found.log) ?? []), { ...file, number: found.number }]);
  }
  const plan: string[] = [];
  while (total > low) {
    const candidates = [...directories.values()].filter(({ logs }) => logs.size > 0);
    if (candidates.length === 0) break;
    const fullest = candidates.reduce((most, one) => (one.size > most.size ? one : most));
    const [log, archives] = [...fullest.logs].reduce((most, one) => (one[1].length > most[1].length ? one : most));
    const oldest = archives.reduce((least, one) => (one.number < least.number ? one : least));
    plan.push(oldest.path);
    total -= oldest.size;
    fullest.size -= oldest.size;
    const left = archives.filter((one) => one !== oldest);
    if (left.length === 0) fullest.logs.delete(log);
    else fullest.logs.set(log, left);
  }
  return plan;
}
