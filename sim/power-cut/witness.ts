/**
 * What the world outside a machine knows: answers that clients got, revisions that were seen to run, errors that were stored. It outlives
 * power cuts, and what is true of the machine afterwards is judged by it.
 */

/** Something that must never be. */
export class Violation extends Error {
  override name = 'Violation';
}

/** The fact that something but the power fails: requests may be refused then, and the program may end and has to be started again. */
export const disturbed = 'disturbed';

export class Witness {
  readonly #facts: Map<string, string>;
  readonly #listeners: ((sentence: string) => void)[] = [];

  constructor(facts: ReadonlyMap<string, string> = new Map()) {
    this.#facts = new Map(facts);
  }

  /** Learns or replaces a fact. Every change is a moment of its own, since a power cut just after it finds the world knowing more. */
  learn(fact: string, value = ''): void {
    if (this.#facts.get(fact) === value) return;
    this.#facts.set(fact, value);
    for (const listener of this.#listeners) listener(value === '' ? fact : `${fact}: ${value}`);
  }

  forget(fact: string): void {
    if (this.#facts.delete(fact)) for (const listener of this.#listeners) listener(`no longer: ${fact}`);
  }

  knows(fact: string): boolean {
    return this.#facts.has(fact);
  }

  value(fact: string): string | undefined {
    return this.#facts.get(fact);
  }

  /** Facts that begin with a word and a blank, by what follows it. */
  about(word: string): [subject: string, value: string][] {
    const start = `${word} `;
    return Array.from(this.#facts)
      .filter(([fact]) => fact.startsWith(start))
      .map(([fact, value]) => [fact.slice(start.length), value]);
  }

  /** All that is known now. */
  facts(): ReadonlyMap<string, string> {
    return new Map(this.#facts);
  }

  onLearning(listener: (sentence: string) => void): void {
    this.#listeners.push(listener);
  }
}

/** One line for all facts, whatever the order in which they were learnt. */
export function factsKey(facts: ReadonlyMap<string, string>): string {
  return Array.from(facts, ([fact, value]) => `${fact}=${value}`)
    .sort()
    .join('\n');
}

/** @throws Violation unless it holds */
export function must(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Violation(sentence);
}
