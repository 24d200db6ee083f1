/** What the engine remembers of updates. Plain data, never changed in place. */
import type { Reason } from '../protocol.ts';
import type { Failure } from './failures.ts';
import { entriesOf, type Journal, type TransitionMode } from './journal.ts';
import type { Progress } from './progress.ts';
import type {
  BootEnvironment,
  HubMode,
  PlannedTransition,
  RestartBlocker,
  UpdateKind,
  UpdateSettings,
  UpdateStep,
} from './protocol.ts';

/**
 * `installing`: prepared while the present revision runs. `waiting`: it runs and its goals are awaited. `testing`: goals are reached, the
 * commit delay runs. `ending`: tested, being stored. `failing`: being undone. `restarting`: only the reboot is left.
 */
export type Phase = 'installing' | 'waiting' | 'testing' | 'ending' | 'failing' | 'restarting';

export interface Attempt {
  readonly revision: string;
  readonly kind: UpdateKind;
  readonly source: string | undefined;
  readonly phase: Phase;
  readonly mode: TransitionMode | undefined;
  readonly retries: number;
  /** Last progress of this attempt, stored or on its way. */
  readonly progress: Progress | undefined;
  readonly reasons: readonly Reason[];
  readonly planned: PlannedTransition | undefined;
  /** Boot artefacts of an earlier try mark may have been overwritten. */
  readonly bootTouched: boolean;
  /** The running system has begun to change. */
  readonly switched: boolean;
  /** Longest time that its containers may take, as far as known; extends the limit of the trial. */
  readonly longestMs: number;
  /** The progress file is this revision's own; not so while the factory revision is still the old one. */
  readonly recordable: boolean;
}

/** Immediate acts between steps. */
export type Act =
  | { do: 'proceed'; revision: string; trial: boolean }
  | { do: 'enter-trial' }
  | { do: 'switch-containers' }
  | { do: 'install'; attempt: Attempt }
  | { do: 'stage' }
  /** `settled`: what could not be stored was tried once more. */
  | { do: 'restart'; purpose: RestartPurpose; reason: Reason; settled?: true }
  | { do: 'end' };

/** A step that fails ends the attempt (`fail`), or is only noted since the next start puts it right (`note`). */
export type Task = { step: UpdateStep; onFailure: 'fail' | 'note' } | { act: Act };

export type RestartPurpose = 'reboot' | 'poweroff' | 'exit';

export interface UpdateModel {
  readonly settings: UpdateSettings;
  /** Undefined before update.boot; kept true to what the steps have changed since. */
  readonly environment: BootEnvironment | undefined;
  readonly attempt: Attempt | undefined;
  /** What the journal says while nothing is in hand: a revision that was tested in place, one that waits for a reboot, or both. */
  readonly base: Journal | undefined;
  readonly queue: readonly Task[];
  /** Number of the step at the head of the queue, once it was ordered. */
  readonly inFlight: number | undefined;
  /** The running revision was loaded, or could not be: only then can another one be compared with it. */
  readonly comparable: boolean;
  /** Also numbers timers. */
  readonly nextNumber: number;
  /** Armed timers by purpose. */
  readonly timers: Readonly<Record<string, string>>;
  readonly hub: HubMode;
  readonly blockers: readonly RestartBlocker[];
  readonly restart: { purpose: RestartPurpose; reason: Reason; begun: boolean } | undefined;
  /** The one command that the device is carrying out. */
  readonly command: number | undefined;
  /** How often storing an end has failed in a row. */
  readonly storeTries: number;
  /** Ends that could not be stored; tried again after a while; nothing new is begun before. */
  readonly unstored: readonly Extract<UpdateStep, { type: 'progress.write' }>[];
  /** Why the last update ended as it did. */
  readonly lastFailure: Failure | undefined;
}

/** Settings as documented for an image; the device sends its own with update.boot. */
export const defaultSettings: UpdateSettings = {
  commitDelayMs: 25_000,
  hubTimeoutMs: 120_000,
  retries: 10,
  trialLimitMs: 900_000,
};

export function createUpdateModel(): UpdateModel {
  return {
    settings: defaultSettings,
    environment: undefined,
    attempt: undefined,
    base: undefined,
    queue: [],
    inFlight: undefined,
    comparable: false,
    nextNumber: 1,
    timers: {},
    hub: 'off',
    blockers: [],
    restart: undefined,
    command: undefined,
    storeTries: 0,
    unstored: [],
    lastFailure: undefined,
  };
}

/** An attempt at its beginning. */
export function createAttempt(revision: string, kind: UpdateKind, patch: Partial<Attempt> = {}): Attempt {
  return {
    revision,
    kind,
    source: undefined,
    phase: 'installing',
    mode: undefined,
    retries: 0,
    progress: undefined,
    reasons: [],
    planned: undefined,
    bootTouched: false,
    switched: false,
    longestMs: 0,
    recordable: kind !== 'make-factory',
    ...patch,
  };
}

/** An update is in hand, so that another one, or a reboot on request, has to wait. A staged one does not count. */
export function isUpdating(model: UpdateModel): boolean {
  return model.attempt !== undefined;
}

/** What the start found is still being put in order; nothing new is begun before that. */
export function isStarting({ environment, attempt, queue }: UpdateModel): boolean {
  return environment === undefined || (attempt === undefined && queue.length > 0);
}

/** The revision that is installed and armed and waits for somebody's reboot. */
export function stagedOf({ base }: UpdateModel): Journal | undefined {
  return entriesOf(base).find(({ stage }) => stage === 'staged');
}

/** The revision under test, if one runs. */
export function isTrial(attempt: Attempt | undefined): boolean {
  return attempt?.phase === 'waiting' || attempt?.phase === 'testing';
}

/** Revisions that garbage collection must leave alone because of updates and boots. */
export function revisionsInUse({ environment, attempt, base }: UpdateModel): string[] {
  const names = [
    environment?.running,
    environment?.committed,
    environment?.tried,
    attempt?.revision,
    attempt?.source,
    ...entriesOf(base).map(({ revision }) => revision),
  ];
  return [...new Set(names.filter((name) => name !== undefined))];
}
