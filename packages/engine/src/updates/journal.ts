/**
 * The journal: the plan of the update in hand, kept on disk so that the next start of the runtime goes on with it or undoes it.
 *
 * Who owns what, and what a start does with it:
 *
 * | Kept | Owner of the question | Recovery at start |
 * |---|---|---|
 * | boot environment `pv_rev` | which revision is the rollback point | believed; a journal that was committing is completed to DONE |
 * | boot environment `pv_try` | which revision is booted next, once | compared with the booted revision: equal is a trial, unequal a rollback |
 * | `.pv/progress` of a revision | how its latest attempt ended | a failure is never replaced; anything unfinished is finished by the resume table |
 * | journal | what is being done, of which kind, in which boot | removed last; with nothing to resume it is removed |
 * | `.pv/done` | nothing: derived from a DONE that was committed | written again by `revision.mark-done` |
 * | `trails/<rev>` links and files | nothing: derived from the state and the objects | made again by `revision.expand`, which is idempotent |
 * | `trails/current` | nothing: derived from the running revision | set by the device when it runs a revision |
 */
import type { UpdateKind } from './protocol.ts';
import { updateKinds } from './protocol.ts';

/**
 * `installing`: being prepared; boot environment untouched or about to be armed. `staged`: armed, waits for somebody's reboot.
 * `trying`: it runs. `updated`: it runs, was tested, and is not the rollback point.
 */
export const journalStages = ['installing', 'staged', 'trying', 'updated'] as const;
export type JournalStage = (typeof journalStages)[number];

export interface Journal {
  revision: string;
  kind: UpdateKind;
  stage: JournalStage;
  /** Changed in the running system, or by booting it. Known from `staged` on. */
  mode?: TransitionMode;
  /** Names the boot in which this was written: a start of the runtime in the same boot is no reboot. */
  bootId?: string;
  /** Starts of the runtime that went on with the same installation. */
  retries: number;
  /** Source revision of `make-factory`. */
  source?: string;
  /** What holds if this comes to nothing: the `staged` or `updated` revision of the same boot. */
  base?: Journal;
}

export type TransitionMode = 'reboot' | 'in-place';

/** The file's content. */
export function journalText(journal: Journal): string {
  return JSON.stringify({ version: 1, ...journal });
}

/** Reads the file; undefined when it is none, so that a damaged journal counts as absent. */
export function parseJournal(text: string): Journal | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || (value as { version?: unknown }).version !== 1) return undefined;
  return readEntry(value, deepestBase);
}

/** A staged revision on an updated one, below an installation. */
const deepestBase = 2;

function readEntry(value: unknown, depth: number): Journal | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { revision, kind, stage, mode, bootId, retries, source, base } = value as Record<string, unknown>;
  const knownKind = updateKinds.find((candidate) => candidate === kind);
  const knownStage = journalStages.find((candidate) => candidate === stage);
  if (typeof revision !== 'string' || revision === '') return undefined;
  const knownBase = depth > 0 ? readEntry(base, depth - 1) : undefined;
  if (knownKind === undefined || knownStage === undefined) return undefined;
  return {
    revision,
    kind: knownKind,
    stage: knownStage,
    ...(mode === 'reboot' || mode === 'in-place' ? { mode } : {}),
    ...(typeof bootId === 'string' ? { bootId } : {}),
    retries: typeof retries === 'number' && Number.isSafeInteger(retries) && retries >= 0 ? retries : 0,
    ...(typeof source === 'string' ? { source } : {}),
    ...(knownBase === undefined ? {} : { base: knownBase }),
  };
}

/** True when the journal was written in this boot, that is, only the runtime has started anew. */
export function isSameBoot(journal: Journal | undefined, bootId: string | undefined): journal is Journal {
  return journal?.bootId !== undefined && journal.bootId === bootId;
}

/** The entry and what holds below it, nearest first. */
export function entriesOf(journal: Journal | undefined): Journal[] {
  return journal === undefined ? [] : [journal, ...entriesOf(journal.base)];
}

/**
 * Which revision a starting runtime runs: the booted one, or, after a mere restart of the runtime, the one that was already put in its
 * place in this boot.
 */
export function revisionToRun(booted: string, journal: Journal | undefined, bootId: string | undefined): string {
  if (!isSameBoot(journal, bootId)) return booted;
  const inPlace = entriesOf(journal).find(({ stage }) => stage === 'trying' || stage === 'updated');
  return inPlace?.revision ?? booted;
}

/** Whose progress the resume table wants to see. */
export function revisionsToRead(running: string, tried: string | undefined, journal: Journal | undefined): string[] {
  const names = [
    running,
    ...(tried === undefined ? [] : [tried]),
    ...entriesOf(journal).map(({ revision }) => revision),
  ];
  return [...new Set(names)];
}
