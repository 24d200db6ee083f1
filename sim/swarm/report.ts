/** The result of a swarm for people. */
import { type Cell, formatTable } from '@pantavisor/cli/output';
import type { SwarmReport } from './campaign.ts';

const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);

/** Numbers to the right. */
function table(headings: string[], rows: string[][]): string {
  const cells = rows.map((row) => row.map((text, column): Cell => ({ text, right: column > 0 })));
  return formatTable(headings, cells, (_, text) => text, Number.POSITIVE_INFINITY);
}

const outcomes = (others: Record<string, number>) =>
  Object.entries(others)
    .map(([outcome, count]) => `${count}×${outcome}`)
    .join(' ');

/**
 * Tables of stages and requests, and what was found.
 * @param machine of the swarm and of its hub, when that is ours; MiB and seconds of processor time
 */
export function formatReport(report: SwarmReport, machine: { swarm: number; hub?: number }): string {
  const { stages, update, failed, powerCuts, restarts, routes, problems } = report;
  const devices = stages[0]?.devices ?? 0;
  return [
    table(
      ['stage', 'devices', 'seconds', 'a second'],
      stages.map(({ stage, devices: count, milliseconds }) => [
        stage,
        String(count),
        seconds(milliseconds),
        (count / (milliseconds / 1000)).toFixed(1),
      ]),
    ),
    `posted to UPDATED: median ${seconds(update.p50)} s, 95 % within ${seconds(update.p95)} s, longest ${seconds(update.greatest)} s`,
    `power cuts: ${powerCuts}; restarts of the program: ${restarts}`,
    `memory: ${(machine.swarm / devices).toFixed(2)} MiB a device` +
      (machine.hub === undefined ? '' : `, hub ${machine.hub.toFixed(0)} MiB`),
    '',
    table(
      ['request', 'count', 'a device', 'p50 ms', 'p95 ms', 'p99 ms', 'other answers'],
      routes.map(({ route, requests, p50, p95, p99, others }) => [
        route,
        String(requests),
        (requests / devices).toFixed(1),
        ...[p50, p95, p99].map((value) => value.toFixed(0)),
        outcomes(others),
      ]),
    ),
    `failed with the new revision, and got the earlier one back:${failed.length === 0 ? ' none' : ''}`,
    ...failed.map(({ nick, message }) => `  ${nick}: ${message}`),
    ...(problems.length === 0
      ? ['every device runs what the hub says']
      : ['WRONG:', ...problems.map((problem) => `  ${problem}`)]),
  ].join('\n');
}
