/** The language of updates between the engine and the device: more events in, more effects out. */
import type { Transition } from '@pantavisor/state';
import type { Effect, Event, Reason, RevisionPlan } from '../protocol.ts';
import type { CommandContext, CommandOp, CommandVerdict } from './commands.ts';
import type { Failure } from './failures.ts';
import type { Journal } from './journal.ts';
import type { Progress } from './progress.ts';

/** How an update was asked for. */
export const updateKinds = [
  /** Run it; in place if possible, by reboot otherwise. */
  'local-run',
  /** Run it by reboot, so that it becomes the rollback point. */
  'local-run-commit',
  /** Run it until the next reboot, which returns to the rollback point whatever happens. */
  'try-once',
  /** Change what can be changed in place; what needs a reboot is installed and waits for somebody's reboot. */
  'local-apply',
  /** Make a revision the factory revision `0` and run that by reboot. */
  'make-factory',
  /** Offered by the Hub. */
  'remote',
] as const;
export type UpdateKind = (typeof updateKinds)[number];

/** The comparison of the running state with the next one, and the next one as the engine sees it. */
export interface PlannedTransition {
  transition: Transition;
  plan: RevisionPlan;
}

/** Values of the boot environment as the runtime found them. */
export interface BootEnvironment {
  /** The revision that this runtime runs; see `revisionToRun`. */
  running: string;
  /** `pv_rev`: the rollback point. */
  committed: string;
  /** `pv_try`, absent when empty. */
  tried?: string;
  /** Names this boot of the machine (of the launcher, in app-engine mode); absent when unknown. */
  bootId?: string;
}

export interface UpdateSettings {
  /** PV_UPDATER_COMMIT_DELAY, milliseconds. */
  commitDelayMs: number;
  /** PH_UPDATER_NETWORK_TIMEOUT, milliseconds. */
  hubTimeoutMs: number;
  /** PV_REVISION_RETRIES. */
  retries: number;
  /** Longest trial beside the group time-outs and stable times of its containers, milliseconds. */
  trialLimitMs: number;
}

/** Where the Hub client stands. `off`: local mode; `unclaimed`: nobody there to report to; `online`: reporting works. */
export type HubMode = 'off' | 'unclaimed' | 'offline' | 'online';

/** What holds a reboot back (updates.md §1, BLOCK_REBOOT). */
export type RestartBlocker = 'debug-shell' | 'progress-report';

export type UpdateEventBody =
  /** The runtime has started and read what there is. Before everything else. */
  | {
      type: 'update.boot';
      environment: BootEnvironment;
      journal?: Journal;
      /** By revision, for those of `revisionsToRead`; absent when none is stored. */
      progress: Record<string, Progress>;
      settings: UpdateSettings;
    }
  | { type: 'update.settings'; settings: UpdateSettings }
  /** Begin an update. `progress`: what is stored of the revision. Refused, with a reason, while another one is in hand. */
  | {
      type: 'update.requested';
      kind: UpdateKind;
      revision: string;
      progress?: Progress;
      /** make-factory: the revision to copy, the running one if absent. */
      source?: string;
    }
  /** A step is done and durable. `planned` answers `transition.plan`. */
  | { type: 'update.done'; step: number; planned?: PlannedTransition }
  | { type: 'update.failed'; step: number; failure: Failure }
  /** `revision.download` has come this far: stored and reported already. */
  | { type: 'update.downloading'; step: number; progress: Progress }
  /** The revision that `boot.proceed` named could not be run at all: state, signature, checksums, board part. */
  | { type: 'update.run-failed'; failure: Failure }
  | { type: 'hub.state'; mode: HubMode }
  | { type: 'restart.block'; by: RestartBlocker; ms?: number }
  | { type: 'restart.unblock'; by: RestartBlocker }
  /** An op of POST /commands. `progress` of the revision in the payload, as for update.requested. */
  | {
      type: 'command.requested';
      id: number;
      op: CommandOp;
      payload: string;
      context: CommandContext;
      progress?: Progress;
    }
  /** The device has carried out `command.run`. */
  | { type: 'command.finished'; id: number };

export type UpdateEvent = { at: number } & UpdateEventBody;

/**
 * Steps of an update: one at a time, each answered by update.done or update.failed with its number. Each may be repeated after a loss of
 * power and then leads to the same end.
 */
export type UpdateStep =
  | { type: 'journal.write'; journal: Journal }
  | { type: 'journal.remove' }
  /** Store and report. `logs`: add the tail of the update's log (`.pv/logs`, at most 4096 bytes). `reasons` go beside it. */
  | { type: 'progress.write'; revision: string; progress: Progress; logs: boolean; reasons: Reason[] }
  /** Make revision 0 a copy of the source, all or nothing: never a moment without a complete revision 0. */
  | { type: 'factory.write'; source: string }
  /** State there, signatures good, parsed. */
  | { type: 'revision.verify'; revision: string }
  /**
   * Everything that the revision needs and the storage lacks comes from the Hub. Stores and reports QUEUED and DOWNLOADING itself, and counts
   * rounds on from `retries`; fails with space-short or download-retries.
   */
  | { type: 'revision.download'; revision: string; retries: number }
  /** Links and files of the revision; fails with objects-invalid when an object is missing. */
  | { type: 'revision.expand'; revision: string }
  /** Compare the running state with this one. */
  | { type: 'transition.plan'; revision: string }
  /** Checksums of everything the revision uses. */
  | { type: 'revision.validate'; revision: string }
  /** Boot artefacts and hooks (updates.md §4.3). */
  | { type: 'boot.install'; revision: string }
  | { type: 'boot.set-try'; revision: string }
  | { type: 'boot.clear-try' }
  /** `pv_rev` becomes the revision and the try mark goes, in one durable write. */
  | { type: 'boot.commit'; revision: string }
  /** `.pv/done`, the backend's own commit, hooks. */
  | { type: 'revision.mark-done'; revision: string }
  /** Links, metadata and logs now belong to this revision; containers follow by container effects. */
  | { type: 'revision.switch'; revision: string };

export type UpdateEffect =
  | (UpdateStep & { step: number })
  /** Load, check and run this revision now: ends in revision.run, or update.run-failed. `trial`: an update is being tried. */
  | { type: 'boot.proceed'; revision: string; trial: boolean }
  /** The revision cannot be run and there is nothing to roll back to. */
  | { type: 'device.failed'; failure: Failure }
  /** A reboot waits for these; `until`: for one of them no longer than so many milliseconds from now. */
  | { type: 'restart.held'; by: RestartBlocker[]; until?: { blocker: RestartBlocker; ms: number } }
  | { type: 'command.answer'; id: number; verdict: CommandVerdict }
  /** An op that the engine leaves to the device; ends in command.finished. */
  | { type: 'command.run'; id: number; op: CommandOp; payload: string }
  /** The update is over, for people and programs that watch. */
  | { type: 'update.ended'; revision: string; progress: Progress; reasons: Reason[] };

export type DeviceEvent = Event | UpdateEvent;
export type DeviceEffect = Effect | UpdateEffect;
