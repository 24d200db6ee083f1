/** What the files of a state decide together: group, defaults and disks of each container, and whether it can be started. */
import type { Place } from '../fields.ts';
import type { Container, Disk, Group, NetworkPool, ServiceExport } from '../model.ts';
import { quote, type Report } from '../report.ts';
import { assignGroups } from './assign.ts';
import type { ContainerDraft } from './container.ts';
import { type DiskIndex, indexDisks } from './disks.ts';
import { checkServiceOwners, checkServices } from './mesh.ts';
import { checkPool } from './network.ts';
import { readExports } from './services.ts';
import { resolveDisks } from './storage.ts';

export interface LinkContext {
  groups: readonly Group[];
  /** Neither device.json nor groups.json: containers without a group go to root and platform. */
  runlevelMode: boolean;
  disks: readonly Disk[];
  pools: readonly NetworkPool[];
  /** `services.json` files by directory. */
  services: readonly { directory: string; place: Place }[];
}

/** Completes the containers, in document order. Those without a group are left out (reported). */
export function linkContainers(report: Report, drafts: readonly ContainerDraft[], context: LinkContext): Container[] {
  const unique = withUniqueNames(report, drafts);
  for (const draft of unique.values()) checkType(report, draft);
  const list = [...unique.values()];
  const groups = assignGroups(report, list, context.groups, context.runlevelMode);

  const exports = new Map<string, ServiceExport[]>();
  for (const { directory, place } of context.services) exports.set(directory, readExports(report, place));
  const directories = new Set(list.flatMap(({ own }) => [own.directory, own.name]));
  checkServiceOwners(report, context.services, (directory) => directories.has(directory));

  const shared: Shared = {
    disks: indexDisks(context.disks),
    pools: new Set(context.pools.map(({ name }) => name)),
    // The original looks for the container by name; the two differ only in states that it runs badly.
    exportsOf: ({ own }) => exports.get(own.directory) ?? exports.get(own.name) ?? [],
  };
  const containers = list.flatMap((draft, index) => {
    const group = groups[index];
    return group ? [complete(report, draft, group, shared)] : [];
  });
  checkServices(report, containers, ({ name }) => unique.get(name)?.fields.spot('services') ?? { offset: 0, path: '' });
  return containers;
}

function withUniqueNames(report: Report, drafts: readonly ContainerDraft[]): Map<string, ContainerDraft> {
  const seen = new Map<string, ContainerDraft>();
  for (const draft of drafts) {
    const { name, directory } = draft.own;
    const earlier = seen.get(name);
    if (!earlier) {
      seen.set(name, draft);
      continue;
    }
    const message = `cannot declare the container ${quote(name)} in ${directory}/run.json: ${earlier.own.directory}/run.json declares it`;
    report.add('container-duplicate', draft.fields.spot('name'), message, 'give each container its own name');
  }
  return seen;
}

interface Shared {
  disks: DiskIndex;
  pools: ReadonlySet<string>;
  exportsOf: (draft: ContainerDraft) => ServiceExport[];
}

function checkType(report: Report, { type, own, fields }: ContainerDraft): void {
  if (!type || type === 'lxc') return;
  const message = `cannot start the container ${quote(own.name)}: this runtime has no support for the type ${quote(type)}`;
  report.add('container-type-unsupported', fields.spot('type'), message, 'use "type": "lxc"');
}

/**
 * Takes over the defaults of the group. A container that is only mounted needs neither type nor LXC configuration; pvr
 * writes none for those.
 */
function complete(report: Report, draft: ContainerDraft, group: Group, shared: Shared): Container {
  const { own, fields, type, config } = draft;
  const statusGoal = draft.statusGoal ?? group.statusGoal;
  const started = statusGoal !== 'MOUNTED';
  const cannot = `cannot start the container ${quote(own.name)}`;
  if (started && !type) {
    report.add('container-type-missing', fields.spot('type'), `${cannot}: it has no type`, 'set "type": "lxc"');
  }
  if (started && !config) {
    const hint = 'set "config", usually to "lxc.container.conf"';
    report.add('container-config-missing', fields.spot('config'), `${cannot}: it has no LXC configuration`, hint);
  }
  if (own.network) checkPool(report, own.network, fields.spot('network'), shared.pools);
  return {
    ...own,
    type: type || 'lxc',
    config: config ?? '',
    group: group.name,
    statusGoal,
    restartPolicy: draft.restartPolicy ?? group.restartPolicy,
    volumes: [...own.volumes, ...resolveDisks(report, draft.storage, shared.disks)],
    provides: shared.exportsOf(draft),
  };
}
