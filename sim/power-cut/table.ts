/** The result of an exploration for people. */
import type { Exploration } from './explore.ts';

const columns = ['flow', 'effects', 'crash states', 'cut twice', 'restarts', 'violations', 'states/s'] as const;

/** A table with a line for each flow, the violations below it. @param milliseconds that all of it took */
export function formatTable(found: readonly Exploration[], milliseconds: number): string {
  const rateOf = (states: number, ms: number) => Math.round((states * 1000) / Math.max(1, ms));
  const rows = found.map(({ flow, moments, states, restarts, violations, milliseconds: own, complete }) => {
    const all = states.once + states.twice;
    return [
      flow,
      String(moments),
      `${all}${complete ? ' ' : '*'}`,
      String(states.twice),
      String(restarts),
      String(violations.length),
      String(rateOf(all, own)),
    ];
  });
  const sum = (pick: (one: Exploration) => number) => found.reduce((total, one) => total + pick(one), 0);
  const states = sum((one) => one.states.once + one.states.twice);
  rows.push([
    'all',
    String(sum(({ moments }) => moments)),
    `${states} `,
    String(sum((one) => one.states.twice)),
    String(sum(({ restarts }) => restarts)),
    String(sum(({ violations }) => violations.length)),
    String(rateOf(states, milliseconds)),
  ]);
  const widths = columns.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const format = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  const complaints = found.flatMap(({ violations }) =>
    violations.map(({ state, message, after }) => `VIOLATION ${state}\n  after ${after}\n  ${message}`),
  );
  return [
    format(columns),
    ...rows.map(format),
    `${(milliseconds / 1000).toFixed(1)} s; equal crash states are restarted once; * drawn by the seed where there were too many`,
    ...complaints,
  ].join('\n');
}
