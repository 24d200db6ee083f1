/** Which group each container belongs to (state-format §5, §6). */
import type { Group } from '../model.ts';
import { quote, type Report } from '../report.ts';
import type { ContainerDraft } from './container.ts';

const runlevels = ['data', 'root', 'platform', 'app'];

/**
 * Finds the group of each container: `group`, else `runlevel`, else the default. With a list of groups in the state the
 * default is the last one; without (runlevel mode), the first container without a group becomes the root container unless
 * another is, and all others belong to `platform`.
 *
 * @returns groups by position of the container; undefined (reported) where the group does not exist
 */
export function assignGroups(
  report: Report,
  drafts: readonly ContainerDraft[],
  groups: readonly Group[],
  runlevelMode: boolean,
): (Group | undefined)[] {
  const byName = new Map(groups.map((group) => [group.name, group]));
  const list = groups.slice(0, 10).map(({ name }) => name);
  const names = `the groups are ${list.join(', ')}${groups.length > list.length ? ', …' : ''}`;

  const named = drafts.map((draft) => namedGroup(report, draft, byName, names));
  if (!runlevelMode) return named.map((name) => (name === undefined ? groups.at(-1) : byName.get(name)));

  let rootTaken = named.includes('root');
  return drafts.map((draft, index) => {
    const name = named[index];
    if (name !== undefined) return byName.get(name);
    const assigned = rootTaken ? 'platform' : 'root';
    rootTaken = true;
    if (!byName.has(assigned)) reportUnknown(report, draft, undefined, assigned, names);
    return byName.get(assigned);
  });
}

function namedGroup(
  report: Report,
  draft: ContainerDraft,
  groups: ReadonlyMap<string, Group>,
  names: string,
): string | undefined {
  const { runlevel, group, fields } = draft;
  const known = runlevel !== undefined && runlevels.includes(runlevel);
  if (runlevel !== undefined && !known) {
    const message = `the runlevel ${quote(runlevel)} is unknown and ignored`;
    report.add('runlevel-unknown', fields.spot('runlevel'), message, 'use "group"');
  }
  if (known && !groups.has(runlevel)) reportUnknown(report, draft, 'runlevel', runlevel, names);
  if (group !== undefined && !groups.has(group)) reportUnknown(report, draft, 'group', group, names);
  return group ?? (known ? runlevel : undefined);
}

function reportUnknown(
  report: Report,
  { own, fields }: ContainerDraft,
  key: string | undefined,
  group: string,
  names: string,
): void {
  const message = `cannot put the container ${quote(own.name)} into the group ${quote(group)}: ${names}`;
  report.add('group-unknown', fields.spot(key), message, 'name one of them, or declare the group in device.json');
}
