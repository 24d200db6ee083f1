/** Reads what `runner.ts` prints; for Node. */

export interface Result {
  suite: string;
  title: string;
  error?: string;
}

/** The results, one a line of JSON; other lines are what the program says besides. */
export function resultsOf(output: string): Result[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Result);
}
