/** The moments at which the power can go, and what each may leave. */
import type { MemoryHost } from '../../apps/device/src/host/memory/host.ts';
import { type Choose, everyChoice, recorded, seededChoice } from '../../apps/device/src/host/memory/random.ts';
import type { Witness } from './witness.ts';

/** A moment after a change of the disk, or after the world has learnt something. */
export interface Moment {
  /** Counts from 0, the moment before anything happens. */
  index: number;
  /** What happened just before it. */
  after: string;
  facts: ReadonlyMap<string, string>;
}

/**
 * Calls back at every moment from now on, at once for the first one.
 * @returns ends it
 */
export function watchMoments(host: MemoryHost, witness: Witness, visit: (moment: Moment) => void): () => void {
  let index = 0;
  let watching = true;
  const pass = (after: string) => {
    if (!watching) return;
    visit({ index, after, facts: witness.facts() });
    index += 1;
  };
  const { observers } = host.machine;
  const observer = ({ operation, path }: { operation: string; path: string }) => pass(`${operation} ${path}`);
  pass('the beginning');
  observers.push(observer);
  witness.onLearning(pass);
  return () => {
    watching = false;
    observers.splice(observers.indexOf(observer), 1);
  };
}

/** One thing that a power cut can leave: the answers to every "did this reach the disk?". */
export interface Outcome {
  answers: readonly number[];
  /** Equal for equal disks. */
  disk: string;
  /** How many of the outcomes that were looked at leave this disk. */
  times: number;
}

/** Keeps everything that was written, torn nowhere. */
const keepAll: Choose = (bound) => (bound > 1 ? 1 : 0);
const keepNothing: Choose = () => 0;

function cut(host: MemoryHost, choose: Choose): Outcome {
  const record = recorded(choose);
  const survivor = host.crash({ choose: record.choose });
  return { answers: record.answers, disk: survivor.machine.fingerprint(), times: 0 };
}

export interface Outcomes {
  /** Without equals; the one that loses most and the one that keeps all are first. */
  distinct: Outcome[];
  /** Whether these are all there are. */
  complete: boolean;
}

/** Every outcome of a cut now when there are at most `most`, else that many of them by the seed. */
export function outcomesNow(host: MemoryHost, most: number, seed: number): Outcomes {
  const extremes: Outcome[] = [cut(host, keepNothing), cut(host, keepAll)];
  const others: Outcome[] = [];
  // With so many independent questions there is no need to try whether the answers can be counted.
  const hopeless = (extremes[0]?.answers.length ?? 0) > Math.log2(most) + 1;
  const complete = !hopeless && everyChoice((choose) => others.push(cut(host, choose)), most).complete;
  if (!complete) {
    others.length = 0;
    for (const extreme of extremes) extreme.times = 1;
    for (let n = 0; n < most - extremes.length; n += 1) others.push(cut(host, seededChoice(seed + n)));
  }
  const distinct = new Map<string, Outcome>();
  for (const outcome of extremes) distinct.set(outcome.disk, outcome);
  for (const outcome of others) {
    const known = distinct.get(outcome.disk) ?? outcome;
    known.times += 1;
    distinct.set(outcome.disk, known);
  }
  return { distinct: [...distinct.values()].filter(({ times }) => times > 0 || !complete), complete };
}

/** One outcome by chance; now and then one of the extremes, which chance rarely finds. */
export function someOutcome(host: MemoryHost, choose: Choose): { survivor: MemoryHost; answers: number[] } {
  const kind = choose(4);
  const record = recorded(kind === 0 ? keepNothing : kind === 1 ? keepAll : choose);
  return { survivor: host.crash({ choose: record.choose }), answers: record.answers };
}
