/** What the garbage collector may take, and when it runs: decisions without a disk (storage.md §7). */
import { factoryRevision } from './factory.ts';
import { isObjectId } from './objects.ts';

/** Why a revision stays. */
export interface KeepRules {
  running: string | undefined;
  /** Revision of the ongoing update. */
  updating: string | undefined;
  /** Revision that the boot loader goes back to. */
  committed: string | undefined;
  /** Further ones that something needs: armed for the next boot, copied from, or with containers that were started from them. */
  others?: readonly string[];
  /** `PV_STORAGE_GC_KEEP_FACTORY` */
  keepFactory: boolean;
}

/** Revisions to remove, in the given order. With nothing known of what runs or is committed, none. */
export function removableRevisions(revisions: readonly string[], rules: KeepRules): string[] {
  const { running, updating, committed, others = [], keepFactory } = rules;
  if (running === undefined && committed === undefined) return [];
  const kept = new Set([running, updating, committed, ...others, ...(keepFactory ? [factoryRevision] : [])]);
  return revisions.filter((revision) => !kept.has(revision));
}

/** A file in the objects directory. */
export interface StoredFile {
  name: string;
  size: number;
  /** Number of hard links, its own name included. */
  links: number;
}

/**
 * Files of the objects directory to remove: those that no revision links to, unless the state of a revision that stays names them, or an
 * upload writes to them.
 */
export function removableObjects(
  stored: readonly StoredFile[],
  needed: ReadonlySet<string>,
  uploads: ReadonlySet<string>,
): StoredFile[] {
  return stored.filter(
    ({ name, links }) => links <= 1 && !name.startsWith('.') && !needed.has(name) && !uploads.has(name),
  );
}

/** Ids of all objects that a state names, read leniently: whatever looks like one is kept. */
export function objectIdsOf(stateText: string): Set<string> {
  const ids = new Set<string>();
  for (const [text] of stateText.matchAll(/(?<=")[0-9a-f]{64}(?=")/g)) if (isObjectId(text)) ids.add(text);
  return ids;
}

/** Whether the collector is due by its threshold (`PV_STORAGE_GC_THRESHOLD`, percent; 0 turns it off). */
export function thresholdReached(situation: {
  threshold: number;
  /** Whole percents, see `realFreePercent`. */
  realFreePercent: number;
  /** An update downloads: its objects are not linked yet. */
  downloading: boolean;
  /** Time of the last piece of an upload, or undefined. */
  lastActivity: number | undefined;
  now: number;
  /** `PV_STORAGE_GC_THRESHOLD_DEFERTIME` in milliseconds. */
  deferral: number;
}): boolean {
  const { threshold, downloading, lastActivity, now, deferral } = situation;
  if (threshold <= 0 || downloading) return false;
  if (lastActivity !== undefined && now < lastActivity + deferral) return false;
  return situation.realFreePercent < threshold;
}

/** Whether an update fits: at once, perhaps after the collector ran, or not at all. */
export function spaceVerdict(
  neededBytes: number,
  realFree: number,
  collected: boolean,
): { kind: 'fits' } | { kind: 'collect' } | { kind: 'refuse'; message: string } {
  if (neededBytes <= realFree) return { kind: 'fits' };
  if (!collected) return { kind: 'collect' };
  return { kind: 'refuse', message: `Space required ${neededBytes} B, available ${realFree} B` };
}
