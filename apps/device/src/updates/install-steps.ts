/** Steps that read and lay out revisions: verify, expand, compare, prove, switch, and the copy to the factory revision. */
import type { PlannedTransition } from '@pantavisor/engine';
import { planTransition } from '@pantavisor/state';
import type { DeviceConfig } from '../config/table.ts';
import type { Files } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { revisionPlan } from '../runtime/revision-plan.ts';
import { expandRevision } from '../storage/expand.ts';
import { makeFactory } from '../storage/factory.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { setCurrent, writeObjectsConfig } from '../storage/revisions.ts';
import {
  type PreparedRevision,
  prepareRevision,
  proveRevision,
  proveServices,
  type RevisionRoom,
  type RunningRevision,
} from './prepared-revision.ts';
import { StepError, updateReason } from './step-error.ts';

/** Whether a boot loader reads files of revisions: not in app-engine mode, where a launcher plays it. */
export function hasBootFiles({ PV_SYSTEM_INIT_MODE: mode }: Pick<DeviceConfig, 'PV_SYSTEM_INIT_MODE'>): boolean {
  return mode !== 'appengine';
}

/** Points links and files that stand for the running revision to it. */
export async function pointTo(files: Files, layout: StorageLayout, revision: string): Promise<void> {
  await setCurrent(files, layout, revision);
  await writeObjectsConfig(files, layout, revision);
}

/** Prepares, lays out and compares revisions for the update in hand; remembers the one that it is about. */
export class Installer {
  readonly #room: RevisionRoom;
  readonly #running: RunningRevision;
  #prepared: PreparedRevision | undefined;

  constructor(room: RevisionRoom, running: RunningRevision) {
    this.#room = room;
    this.#running = running;
  }

  /** State there, signatures good, parsed; what its containers require of each other is there. */
  async verify(revision: string): Promise<void> {
    this.#prepared = await prepareRevision(this.#room, revision);
    proveServices(this.#prepared);
  }

  async expand(revision: string): Promise<void> {
    const { host, layout, config } = this.#room;
    const { state } = await this.#of(revision);
    const { missing } = await expandRevision(host.files, layout, revision, state, hasBootFiles(config));
    if (missing.length === 0) return;
    throw new StepError(
      'objects-invalid',
      missing.map(({ path, id, owner }) => ({
        code: 'object-missing',
        message: `cannot find the object ${id} of ${path}`,
        file: path,
        detail: 'upload the object first',
        ...(owner === undefined ? {} : { container: owner }),
      })),
    );
  }

  async plan(revision: string): Promise<PlannedTransition> {
    const running = this.#running.current;
    const next = await this.#of(revision);
    // A revision that could not be loaded can only be left by a reboot.
    const transition =
      running === undefined
        ? { kind: 'reboot' as const, restart: [], start: [], remove: [], reasons: [] }
        : planTransition(running.state, next.state);
    return { transition, plan: revisionPlan(revision, next.state) };
  }

  async validate(revision: string): Promise<void> {
    await proveRevision(await this.#of(revision));
  }

  /** @param taken told of the revision once links and files stand for it */
  async switchTo(revision: string, taken: (revision: PreparedRevision) => Promise<void>): Promise<void> {
    const { host, layout } = this.#room;
    const next = await this.#of(revision);
    await pointTo(host.files, layout, revision);
    this.#running.become(next);
    await taken(next);
  }

  async makeFactory(source: string): Promise<void> {
    const { host, layout } = this.#room;
    try {
      await makeFactory(host.files, layout, source);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'state-missing') throw error;
      throw new StepError('state-not-found', [updateReason(error, '')], error);
    }
    this.#prepared = undefined;
  }

  /** A runtime that goes on with an update has not verified it in this life. */
  async #of(revision: string): Promise<PreparedRevision> {
    if (this.#prepared?.name !== revision) await this.verify(revision);
    if (this.#prepared === undefined) throw new RangeError(`cannot find the prepared revision ${revision}`);
    return this.#prepared;
  }
}
