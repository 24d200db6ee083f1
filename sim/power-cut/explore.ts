/** Cutting a flow at every moment, in every outcome, and the recovery from it once more, until enough states have been seen. */
import type { MemoryHost } from '../../apps/device/src/host/memory/host.ts';
import { replayed, seededChoice } from '../../apps/device/src/host/memory/random.ts';
import type { Flow } from './flow.ts';
import { type Moment, outcomesNow, someOutcome, watchMoments } from './moments.ts';
import { type CutPoint, formatState } from './state-name.ts';
import { factsKey, Witness } from './witness.ts';

export interface Budget {
  seed: number;
  /** Crash states to look at. Every moment is cut at least once, however few are asked for. */
  states: number;
  /** Most outcomes of one moment. */
  outcomes?: number;
  /** Stops after so many violations; they tend to have one cause. */
  mostViolations: number;
}

export interface FoundViolation {
  /** For `--replay`. */
  state: string;
  message: string;
  /** What had happened just before the last cut. */
  after: string;
}

export interface Exploration {
  flow: string;
  /** Moments of the undisturbed flow. */
  moments: number;
  /** What cuts have left, after one cut and after two: every one of them was restarted, or is equal to one that was. */
  states: { once: number; twice: number };
  /** Different states that were restarted and run to rest. */
  restarts: number;
  /** Whether every outcome of every moment of the flow was tried. */
  complete: boolean;
  violations: FoundViolation[];
  milliseconds: number;
}

/** Most outcomes of one moment unless said otherwise; beyond it they are drawn by the seed. */
const usualOutcomes = 170;
/** Survivors are held in memory while they wait for their turn. */
const batchSize = 300;
/** States after a second cut that are restarted for one recovery; those that equal earlier ones cost nothing. */
const mostChildren = 4;
/** Second cuts made in each recovery, on average, even when the first ones are enough. */
const fewestSecondCuts = 0.25;

interface Survivor {
  path: CutPoint[];
  host: MemoryHost;
  facts: ReadonlyMap<string, string>;
  after: string;
}

interface Plan {
  /** By moment: answers of the distinct outcomes that are new at this moment. */
  cuts: { moment: number; answers: readonly number[]; key: string }[];
  /** By state, how many cuts lead to it. */
  times: ReadonlyMap<string, number>;
  moments: number;
  complete: boolean;
}

const stateKey = (disk: string, facts: ReadonlyMap<string, string>) => `${disk}\n${factsKey(facts)}`;

/** A seed of its own for every name. */
function numberOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

async function runWatched(flow: Flow, visit: (host: MemoryHost, moment: Moment) => void): Promise<void> {
  const { host, facts } = await flow.prepare();
  const witness = new Witness(facts);
  const end = watchMoments(host, witness, (moment) => visit(host, moment));
  try {
    await flow.act(host, witness);
  } finally {
    end();
  }
}

/** What there is to cut. When it is more than wanted, each moment gives the same number of outcomes at most. */
async function planCuts(flow: Flow, { seed, states, outcomes: mostOutcomes = usualOutcomes }: Budget): Promise<Plan> {
  const byMoment: Plan['cuts'][] = [];
  const times = new Map<string, number>();
  let complete = true;
  await runWatched(flow, (host, { index, facts }) => {
    const found = outcomesNow(host, mostOutcomes, seed * 1_000_033 + index * mostOutcomes);
    complete &&= found.complete;
    byMoment[index] = [];
    for (const { answers, disk, times: more } of found.distinct) {
      const key = stateKey(disk, facts);
      const before = times.get(key);
      times.set(key, (before ?? 0) + more);
      if (before === undefined) byMoment[index].push({ moment: index, answers, key });
    }
  });
  let most = mostOutcomes;
  const total = () => byMoment.reduce((sum, cuts) => sum + Math.min(cuts.length, most), 0);
  while (most > 1 && total() > states) most -= 1;
  complete &&= most === mostOutcomes;
  return { cuts: byMoment.flatMap((cuts) => cuts.slice(0, most)), times, moments: byMoment.length, complete };
}

/** Runs the flow again and takes these survivors of it. */
async function takeSurvivors(flow: Flow, cuts: Plan['cuts']): Promise<Survivor[]> {
  const wanted = new Map<number, Plan['cuts']>();
  for (const cut of cuts) wanted.set(cut.moment, [...(wanted.get(cut.moment) ?? []), cut]);
  const survivors: Survivor[] = [];
  await runWatched(flow, (host, { index, facts, after }) => {
    for (const { moment, answers } of wanted.get(index) ?? [])
      survivors.push({
        path: [{ moment, answers }],
        host: host.crash({ choose: replayed(answers) }),
        facts,
        after,
      });
  });
  return survivors;
}

/**
 * Explores a flow.
 * @param onState called after each restart with the states so far, for progress and time limits; false ends the exploration
 */
export async function explore(
  flow: Flow,
  budget: Budget,
  onState: (states: number) => boolean = () => true,
): Promise<Exploration> {
  const begin = performance.now();
  const plan = await planCuts(flow, budget);
  const { cuts, times, moments } = plan;
  const seen = new Set(cuts.map(({ key }) => key));
  const violations: FoundViolation[] = [];
  const states = { once: 0, twice: 0 };
  const firstCuts = cuts.reduce((sum, { key }) => sum + (times.get(key) ?? 0), 0);
  let restarts = 0;
  let ended = false;
  const done = () => ended || violations.length >= budget.mostViolations;

  /** Restarts a survivor and runs it to rest. @param draws how many further cuts are to be made in that, on average at each moment */
  async function run({ path, host, facts, after }: Survivor, draws: number): Promise<Survivor[]> {
    const drawn = new Map<string, Survivor>();
    const choose = seededChoice(numberOf(formatState(budget.seed, flow.name, path)));
    const witness = new Witness(facts);
    const end = watchMoments(host, witness, (moment) => {
      const count = Math.floor(draws) + (choose(1000) < (draws % 1) * 1000 ? 1 : 0);
      for (let n = 0; n < count; n += 1) {
        const { survivor, answers } = someOutcome(host, choose);
        const key = stateKey(survivor.machine.fingerprint(), moment.facts);
        if (seen.has(key) || drawn.has(key)) states.twice += 1;
        // The first moments would always win, were every new state taken.
        else if (drawn.size < mostChildren && choose(moments) < mostChildren * 4) {
          const cutPoint = { moment: moment.index, answers };
          drawn.set(key, { path: [...path, cutPoint], host: survivor, facts: moment.facts, after: moment.after });
        }
      }
    });
    try {
      await flow.recover(host, witness);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      violations.push({ state: formatState(budget.seed, flow.name, path), message, after });
    } finally {
      end();
    }
    restarts += 1;
    ended ||= !onState(states.once + states.twice);
    for (const key of drawn.keys()) seen.add(key);
    return [...drawn.values()];
  }

  for (let at = 0; at < cuts.length && !done(); at += batchSize) {
    const keys = cuts.slice(at, at + batchSize).map(({ key }) => key);
    const batch = await takeSurvivors(flow, cuts.slice(at, at + batchSize));
    for (const [index, survivor] of batch.entries()) {
      if (done()) break;
      const left = (budget.states - firstCuts - states.twice) / (cuts.length - at - index);
      const wanted = Math.max(left, fewestSecondCuts);
      const children = await run(survivor, wanted / moments);
      states.once += times.get(keys[index] ?? '') ?? 0;
      for (const child of children) {
        if (done()) break;
        await run(child, 0);
        states.twice += 1;
      }
    }
  }
  const milliseconds = performance.now() - begin;
  return {
    flow: flow.name,
    moments,
    states,
    restarts,
    complete: plan.complete && !ended,
    violations,
    milliseconds,
  };
}
