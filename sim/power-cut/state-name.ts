/** Names of states: enough to come to the same state again, `SEED/FLOW/MOMENT:ANSWERS[/MOMENT:ANSWERS]`. */

/** One power cut: the moment, and what of that which was not yet durable survived, as answers of the simulated disk. */
export interface CutPoint {
  moment: number;
  answers: readonly number[];
}

export interface StateName {
  seed: number;
  flow: string;
  path: CutPoint[];
}

/** E.g. `1/install/17:0.1.2/3:1`. */
export function formatState(seed: number, flow: string, path: readonly CutPoint[]): string {
  return [seed, flow, ...path.map(({ moment, answers }) => `${moment}:${answers.join('.')}`)].join('/');
}

/** Reads a name; undefined when it is none. */
export function parseState(text: string): StateName | undefined {
  const [seed, flow, ...cuts] = text.split('/');
  const path = cuts.map((cut) => /^(\d+):((?:\d+(?:\.\d+)*)?)$/.exec(cut));
  if (!/^\d+$/.test(seed ?? '') || flow === undefined || flow === '' || path.length === 0) return undefined;
  const points: CutPoint[] = [];
  for (const found of path) {
    if (found === null) return undefined;
    const answers = found[2] === '' ? [] : (found[2] ?? '').split('.').map(Number);
    points.push({ moment: Number(found[1]), answers });
  }
  return { seed: Number(seed), flow, path: points };
}
