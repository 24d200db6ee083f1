/** Groups: the list of device.json or groups.json, and what applies without one (state-format §6). */
import { Fields, type Place, readList, spotOf } from '../fields.ts';
import { readJson } from '../json/reader.ts';
import type { Group, ParseContext } from '../model.ts';
import { whyNotName } from '../paths.ts';
import { quote, Report, type Spot } from '../report.ts';
import { readRecovery } from './recovery.ts';

export const statusGoals = ['MOUNTED', 'STARTED', 'READY'] as const;
export const restartPolicies = ['system', 'container'] as const;

/** The default of `PV_UPDATER_GOALS_TIMEOUT`, seconds. */
const goalsTimeout = 120;

/** Reads a list of groups. Undefined (reported) when it is no list or empty; groups in error are left out. */
export function readGroups(report: Report, place: Place, context: ParseContext): Group[] | undefined {
  const items = readList(report, place);
  if (!items) {
    if (place.node.kind === 'null') report.add('groups-empty', spotOf(place), 'cannot use null as the list of groups');
    return undefined;
  }
  if (items.length === 0) {
    report.add(
      'groups-empty',
      spotOf(place),
      'cannot use an empty list of groups',
      'leave the list out to get the groups data, root, platform and app',
    );
    return undefined;
  }
  const groups = new Map<string, Group>();
  for (const item of items) {
    const group = readGroup(report, item, context);
    if (!group) continue;
    if (groups.has(group.name)) {
      report.add(
        'group-duplicate',
        spotOf(item),
        `cannot declare the group ${quote(group.name)} again`,
        'give each group its own name',
      );
    } else groups.set(group.name, group);
  }
  return [...groups.values()];
}

function readGroup(report: Report, place: Place, context: ParseContext): Group | undefined {
  const fields = Fields.of(report, place, 'type-mismatch');
  if (!fields) return undefined;
  const name = fields.string('name') ?? '';
  const refusal = whyNotName(name);
  if (refusal)
    report.add('group-name', fields.spot('name'), `cannot name a group ${quote(name)}: ${refusal}`, 'set "name"');
  const group: Group = {
    name,
    statusGoal: fields.word('status_goal', statusGoals, 'status-goal-unknown') ?? 'STARTED',
    restartPolicy: fields.word('restart_policy', restartPolicies, 'restart-policy-unknown') ?? 'container',
    timeout: fields.count('timeout') ?? context.goalsTimeout ?? goalsTimeout,
  };
  const recovery = fields.object('auto_recovery');
  if (recovery) group.autoRecovery = readRecovery(recovery);
  return refusal ? undefined : group;
}

/** The groups of a device without a list of its own. */
export function builtInGroups(): Group[] {
  const system = { restartPolicy: 'system', timeout: 30 } as const;
  return [
    { name: 'data', statusGoal: 'MOUNTED', ...system },
    { name: 'root', statusGoal: 'STARTED', ...system },
    { name: 'platform', statusGoal: 'STARTED', ...system },
    {
      name: 'app',
      statusGoal: 'STARTED',
      restartPolicy: 'container',
      timeout: 30,
      autoRecovery: {
        policy: 'on-failure',
        maxRetries: 5,
        retryDelay: 5,
        backoffFactor: 2,
        resetWindow: 0,
        stableTimeout: 30,
        backoffPolicy: { kind: 'reboot' },
      },
    },
  ];
}

/** Default groups: the device's own file when there is one, else the built-in four. Undefined (reported) when unreadable. */
export function defaultGroups(report: Report, spot: Spot, context: ParseContext): Group[] | undefined {
  const text = context.defaultGroups;
  if (text === undefined) return builtInGroups();
  const own = new Report(text);
  const { root, problems } = readJson(text, { maxDepth: 128 });
  own.addSyntax(problems);
  const groups = root && readGroups(own, { node: root, path: '' }, context);
  if (!own.failed && groups) return groups;
  const first = own.problems().find(({ severity }) => severity === 'error');
  report.add(
    'groups-default-invalid',
    spot,
    `cannot use the device's default groups: ${first?.message ?? 'they are unreadable'}`,
    'repair defaults/groups.json of the device, or add groups.json to the state',
  );
  return undefined;
}
