/** Trying an operation against every power cut: the basis of crash tests and of the power-cut explorer. */
import type { MemoryHost } from './host.ts';
import type { DiskEffect } from './machine.ts';
import { type Choose, everyChoice, recorded, seededChoice } from './random.ts';

/** One state of the disk that a power cut can leave. */
export interface Cut {
  /** Last change of the disk that was asked for; undefined: cut before the first. */
  after: DiskEffect | undefined;
  /** What else happened before the cut, see `CutSearch.note`. */
  noted: readonly string[];
  /** Answers that made this outcome; `crash` with them again replays it. */
  answers: readonly number[];
}

export interface CutSearch {
  /** States so far. */
  states: number;
  /** Changes of the disk so far. */
  effects: number;
}

/**
 * Every outcome of a cut at this moment when there are at most `limit` of them; otherwise the one that loses most, the one that keeps all, and
 * random ones by `seed`.
 */
export function outcomes(host: MemoryHost, limit: number, seed: number): { host: MemoryHost; answers: number[] }[] {
  const found: { host: MemoryHost; answers: number[] }[] = [];
  const take = (choose: Choose) => {
    const record = recorded(choose);
    found.push({ host: host.crash({ choose: record.choose }), answers: record.answers });
  };
  if (everyChoice(take, limit).complete) return found;
  found.length = 0;
  take(() => 0);
  take((bound) => (bound > 1 ? 1 : 0));
  while (found.length < limit) take(seededChoice(seed + found.length));
  return found;
}

/**
 * Runs an operation once, and checks what each power cut before, between and after its changes of the disk can leave.
 * @param operation gets a function to note what an observer outside has been told by then, e.g. that a request was answered
 * @param check gets a new machine with the surviving disk; it throws when something is wrong with it
 * @param limit outcomes tried for each moment
 */
export async function tryEveryCut(options: {
  host: MemoryHost;
  operation: (note: (text: string) => void) => Promise<unknown>;
  check: (survivor: MemoryHost, cut: Cut) => Promise<void>;
  limit?: number;
  seed?: number;
}): Promise<CutSearch> {
  const { host, operation, check, limit = 50, seed = 1 } = options;
  const noted: string[] = [];
  const pending: { survivor: MemoryHost; cut: Cut }[] = [];
  let effects = 0;
  const snapshot = (after: DiskEffect | undefined) => {
    for (const { host: survivor, answers } of outcomes(host, limit, seed + effects * limit))
      pending.push({ survivor, cut: { after, noted: [...noted], answers } });
  };
  const observer = (effect: DiskEffect) => {
    effects += 1;
    snapshot(effect);
  };
  snapshot(undefined);
  host.machine.observers.push(observer);
  await host.runFor(
    operation((text) => {
      noted.push(text);
      snapshot(undefined);
    }),
  );
  host.machine.observers.splice(host.machine.observers.indexOf(observer), 1);
  for (const { survivor, cut } of pending) {
    try {
      await survivor.runFor(check(survivor, cut));
    } catch (error) {
      const where = cut.after ? `after ${cut.after.index} (${cut.after.operation} ${cut.after.path})` : 'elsewhere';
      throw new Error(`cannot accept what a power cut ${where} leaves, answers [${cut.answers}]`, { cause: error });
    }
  }
  return { states: pending.length, effects };
}
