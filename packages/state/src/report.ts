/** Collects the problems of one document and brings them into its order. */
import { positionsOf } from './json/position.ts';
import type { SyntaxProblem } from './json/reader.ts';
import type { Problem } from './model.ts';
import { type RuleCode, rules } from './rules.ts';

/** Where something stands: its offset in the source and its JSON Pointer. */
export interface Spot {
  offset: number;
  path: string;
}

const problemLimit = 1000;

export class Report {
  readonly #found: { problem: Problem; offset: number }[] = [];
  readonly #position: (offset: number) => { line: number; column: number };
  #failed = false;
  #dropped = 0;

  /** @param source the text that offsets refer to */
  constructor(source: string) {
    this.#position = positionsOf(source);
  }

  /** True once an error was added: the document is rejected. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Adds a problem; the severity comes from the table of rules. */
  add(rule: RuleCode, spot: Spot, message: string, hint?: string): void {
    const { severity } = rules[rule];
    if (severity === 'error') this.#failed = true;
    if (this.#found.length >= problemLimit) {
      this.#dropped += 1;
      return;
    }
    const problem: Problem = { severity, path: spot.path, rule, message, ...this.#position(spot.offset) };
    if (hint !== undefined) problem.hint = hint;
    this.#found.push({ problem, offset: spot.offset });
  }

  /** Adds what the JSON reader found. */
  addSyntax(problems: readonly SyntaxProblem[]): void {
    for (const { rule, offset, path, message } of problems)
      this.add(rule, { offset, path }, `cannot read the JSON text: ${message}`);
  }

  /** Every problem, in the order of the document. */
  problems(): Problem[] {
    const sorted = this.#found.toSorted((a, b) => a.offset - b.offset).map(({ problem }) => problem);
    if (this.#dropped > 0) {
      const message = `${this.#dropped} more problems are not listed`;
      sorted.push({ severity: rules['too-many-problems'].severity, path: '', rule: 'too-many-problems', message });
    }
    return sorted;
  }
}

/** One line for people: place, message, rule, hint. */
export function formatProblem(problem: Problem): string {
  const place = problem.line === undefined ? '' : `${problem.line}:${problem.column} `;
  const hint = problem.hint === undefined ? '' : ` (${problem.hint})`;
  return `${problem.severity}: ${place}${problem.path || '/'}: ${problem.message}${hint} [${problem.rule}]`;
}

/** A value as messages show it: quoted, and shortened when long. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
