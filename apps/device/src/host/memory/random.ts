/**
 * A source of decisions: returns a whole number from 0 to `bound - 1`. The simulated machine asks it wherever the real one may
 * behave in more than one way, so that a seed or a recorded list of answers replays a run exactly.
 */
export type Choose = (bound: number) => number;

/**
 * Reproducible decisions from a seed (mulberry32).
 * @param seed any whole number; equal seeds give equal sequences
 */
export function seededChoice(seed: number): Choose {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * bound);
  };
}

/** The same decisions, and the answers given so far, kept for `replayed`. */
export function recorded(choose: Choose): { choose: Choose; answers: number[] } {
  const answers: number[] = [];
  return {
    answers,
    choose: (bound) => {
      const answer = choose(bound);
      answers.push(answer);
      return answer;
    },
  };
}

/** Gives recorded answers again, and 0 when there are no more. */
export function replayed(answers: readonly number[]): Choose {
  let position = 0;
  return () => {
    const answer = answers[position] ?? 0;
    position += 1;
    return answer;
  };
}

/**
 * Calls `run` once for every possible sequence of answers, depth first, until all are done or `limit` runs were made.
 * @param run must be deterministic apart from the answers it gets
 * @returns number of runs, and whether they were all there are
 */
export function everyChoice(run: (choose: Choose) => void, limit: number): { runs: number; complete: boolean } {
  const answers: { taken: number; bound: number }[] = [];
  for (let runs = 1; ; runs += 1) {
    let position = 0;
    run((bound) => {
      if (position === answers.length) answers.push({ taken: 0, bound });
      const answer = answers[position];
      position += 1;
      return answer?.taken ?? 0;
    });
    answers.length = position;
    let last = answers.at(-1);
    while (last !== undefined && last.taken + 1 >= last.bound) {
      answers.pop();
      last = answers.at(-1);
    }
    if (last === undefined) return { runs, complete: true };
    if (runs >= limit) return { runs, complete: false };
    last.taken += 1;
  }
}
