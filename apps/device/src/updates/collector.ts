/** When the garbage collector of the storage runs, and what it must leave alone (storage.md §7). */
import { revisionsInUse, type UpdateModel } from '@pantavisor/engine';
import type { DeviceConfig } from '../config/table.ts';
import type { Clock, Files } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import { type Collected, collectGarbage } from '../storage/collect.ts';
import { thresholdReached } from '../storage/garbage.ts';
import type { StorageLayout } from '../storage/layout.ts';
import type { ObjectStore } from '../storage/objects.ts';
import { readSpace, realFreePercent } from '../storage/space.ts';
import type { Turns } from './turns.ts';

export interface CollectorRoom {
  files: Files;
  layout: StorageLayout;
  config: DeviceConfig;
  clock: Clock;
  objects: ObjectStore;
  turns: Turns;
  updates(): UpdateModel;
  /** Revisions that running containers were started from. */
  startedFrom(): readonly string[];
  log: Log;
}

export class Collector {
  readonly #room: CollectorRoom;
  #lastActivity: number | undefined;
  #cancelLook: (() => void) | undefined;

  constructor(room: CollectorRoom) {
    this.#room = room;
  }

  /** Removes what nothing needs, now. @throws HostError of the disk */
  collect(): Promise<Collected> {
    const { files, layout, config, objects, turns, updates, startedFrom, log } = this.#room;
    return turns.take(async () => {
      const { environment, attempt } = updates();
      const others = [...revisionsInUse(updates()), ...startedFrom()];
      const rules = {
        running: environment?.running,
        committed: environment?.committed,
        updating: attempt?.revision,
        others,
        keepFactory: config.PV_STORAGE_GC_KEEP_FACTORY,
      };
      const collected = await collectGarbage(files, layout, rules, [], () => objects.uploads());
      const { revisions, objects: count, reclaimed } = collected;
      if (revisions.length + count > 0)
        log('INFO', 'storage', `removed ${revisions.length} revisions and ${count} objects (${reclaimed} bytes)`);
      return collected;
    });
  }

  /** Somebody uploads: what arrives belongs to no revision yet, so the threshold waits for a while after the last piece. */
  activity(): void {
    const { clock, config } = this.#room;
    this.#lastActivity = clock.monotonic();
    if (config.PV_STORAGE_GC_THRESHOLD > 0) this.#lookAfter(this.#deferral);
  }

  /** Collects if too little is free by the threshold; failures are logged. Called whenever the storage may have filled. */
  consider(): void {
    const { config, log } = this.#room;
    if (config.PV_STORAGE_GC_THRESHOLD <= 0) return;
    this.#considerNow().catch((error) => log('ERROR', 'storage', `cannot collect garbage: ${messageOf(error)}`));
  }

  /** Ends the wait for a later look. */
  close(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  get #deferral(): number {
    return this.#room.config.PV_STORAGE_GC_THRESHOLD_DEFERTIME * 1000;
  }

  async #considerNow(): Promise<void> {
    const { files, layout, config, clock, updates } = this.#room;
    const space = await readSpace(files, layout, config.PV_STORAGE_GC_RESERVED);
    const now = clock.monotonic();
    const lastActivity = this.#lastActivity;
    const due = thresholdReached({
      threshold: config.PV_STORAGE_GC_THRESHOLD,
      realFreePercent: realFreePercent(space),
      downloading: updates().attempt?.progress?.status === 'DOWNLOADING',
      lastActivity,
      now,
      deferral: this.#deferral,
    });
    if (due) await this.collect();
    // Pieces came after the look was planned: it moves to the end of the wait.
    else if (lastActivity !== undefined && now < lastActivity + this.#deferral)
      this.#lookAfter(lastActivity + this.#deferral - now);
  }

  #lookAfter(ms: number): void {
    this.#cancelLook ??= this.#room.clock.after(ms, () => {
      this.#cancelLook = undefined;
      this.consider();
    });
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
