/**
 * Throws damaged states at the parser: `node fuzz.ts [count] [seed]`. Prints what it did, and ends with status 1 and the
 * text when a law is broken. Same seed, same texts.
 */
import fc from 'fast-check';
import type { ParseContext } from '../model.ts';
import { rules } from '../rules.ts';
import { damage, stateMembers } from './arbitraries.ts';
import { checkLaws } from './invariants.ts';
import { stateText } from './states.ts';
import { violations } from './violations.ts';

const contexts: ParseContext[] = [
  { initMode: 'appengine' },
  { initMode: 'embedded', bootloader: 'rpiab' },
  { initMode: 'standalone', fitConfig: 'a', deviceTree: 'b', overlays: ['c'] },
];

const seeds = Object.keys(rules)
  .filter((code) => code !== 'too-many-problems')
  .map((code) => violations[code as keyof typeof violations].text);

/** A random state or the example of a rule, damaged. */
const damaged = fc
  .tuple(fc.oneof(stateMembers.map(stateText), fc.constantFrom(...seeds)), damage)
  .map(([text, change]) => change(text));

/**
 * Checks the laws of parsing on damaged states.
 * @param count how many texts
 * @param seed of the random numbers
 * @returns undefined, or the report of the smallest text that breaks a law
 */
export function fuzzStates(count: number, seed: number): string | undefined {
  const property = fc.property(damaged, fc.constantFrom(...contexts), checkLaws);
  const result = fc.check(property, { numRuns: count, seed });
  return result.failed ? fc.defaultReportMessage(result) : undefined;
}

if (import.meta.main) {
  const count = Number(process.argv[2] ?? 10_000);
  const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
  console.log(`fuzzing ${count} states with seed ${seed}`);
  const failure = fuzzStates(count, seed);
  console.log(failure ?? 'no law is broken');
  if (failure) process.exitCode = 1;
}
