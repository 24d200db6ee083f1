/** What the files of a state decide together: the group of each container, its defaults, and whether it can be started. */
import { spotOf } from '../fields.ts';
import type { Container, Disk, Group, NetworkPool, ServiceExport } from '../model.ts';
import { quote, type Report } from '../report.ts';
import type { ContainerDraft } from './container.ts';
import { checkPool } from './network.ts';
import { hostedBus } from './services.ts';
import { resolveDisks } from './storage.ts';

const runlevels = ['data', 'root', 'platform', 'app'];

export interface LinkContext {
  groups: readonly Group[];
  /** Neither device.json nor groups.json: containers without a group go to root and platform. */
  runlevelMode: boolean;
  disks: readonly Disk[];
  pools: readonly NetworkPool[];
  /** Exports by the directory of the services.json that lists them. */
  exports: ReadonlyMap<string, ServiceExport[]>;
}

/** Completes the containers, in document order. Those in error are left out (reported). */
export function linkContainers(report: Report, drafts: readonly ContainerDraft[], context: LinkContext): Container[] {
  const unique = withUniqueNames(report, drafts);
  const groupNames = assignGroups(report, unique, context);
  const containers: Container[] = [];
  for (const [index, draft] of unique.entries()) {
    const group = context.groups.find(({ name }) => name === groupNames[index]);
    if (!group) continue;
    const container = complete(report, draft, group, context);
    if (container) containers.push(container);
  }
  checkServices(report, containers, unique);
  return containers;
}

function withUniqueNames(report: Report, drafts: readonly ContainerDraft[]): ContainerDraft[] {
  const seen = new Map<string, ContainerDraft>();
  for (const draft of drafts) {
    const { name, directory } = draft.own;
    checkType(report, draft);
    const earlier = seen.get(name);
    if (earlier)
      report.add(
        'container-duplicate',
        draft.fields.spot('name'),
        `cannot declare the container ${quote(name)} in ${directory}/run.json: ${earlier.own.directory}/run.json declares it`,
        'give each container its own name',
      );
    else seen.set(name, draft);
  }
  return [...seen.values()];
}

function checkType(report: Report, { type, own, fields }: ContainerDraft): void {
  if (!type || type === 'lxc') return;
  report.add(
    'container-type-unsupported',
    fields.spot('type'),
    `cannot start the container ${quote(own.name)}: this runtime has no support for the type ${quote(type)}`,
    'use "type": "lxc"',
  );
}

/** Group names by position; undefined (reported) where a container names a group that does not exist. */
function assignGroups(report: Report, drafts: readonly ContainerDraft[], context: LinkContext): (string | undefined)[] {
  const { groups } = context;
  const list = groups.map(({ name }) => name).join(', ');
  const exists = (name: string): boolean => groups.some((group) => group.name === name);
  const named = drafts.map((draft) => {
    const { runlevel, group, fields, own } = draft;
    let chosen: string | undefined;
    for (const [key, name] of [
      ['runlevel', runlevel],
      ['group', group],
    ] as const) {
      if (name === undefined) continue;
      if (key === 'runlevel' && !runlevels.includes(name)) {
        report.add(
          'runlevel-unknown',
          fields.spot(key),
          `the runlevel ${quote(name)} is unknown and ignored`,
          'use "group"',
        );
      } else {
        chosen = name;
        if (!exists(name))
          report.add(
            'group-unknown',
            fields.spot(key),
            `cannot put the container ${quote(own.name)} into the group ${quote(name)}: the groups are ${list}`,
            'name one of them, or declare the group in device.json',
          );
      }
    }
    return chosen;
  });
  if (!context.runlevelMode) return named.map((name) => name ?? groups.at(-1)?.name);

  let rootTaken = named.includes('root');
  return named.map((name, index) => {
    if (name !== undefined) return name;
    const assigned = rootTaken ? 'platform' : 'root';
    rootTaken = true;
    if (exists(assigned)) return assigned;
    report.add(
      'group-unknown',
      drafts[index]?.fields.spot() ?? { offset: 0, path: '' },
      `cannot put a container without "group" into ${quote(assigned)}: the device's default groups are ${list}`,
      'set "group"',
    );
    return undefined;
  });
}

function complete(report: Report, draft: ContainerDraft, group: Group, context: LinkContext): Container | undefined {
  const { own, fields } = draft;
  const statusGoal = draft.statusGoal ?? group.statusGoal;
  const started = statusGoal !== 'MOUNTED';
  const { type, config } = draft;
  const name = quote(own.name);
  if (started && !type)
    report.add(
      'container-type-missing',
      fields.spot('type'),
      `cannot start the container ${name}: it has no type`,
      'set "type": "lxc"',
    );
  if (started && !config)
    report.add(
      'container-config-missing',
      fields.spot('config'),
      `cannot start the container ${name}: it has no LXC configuration`,
      'set "config", usually to "lxc.container.conf"',
    );
  if (own.network) checkPool(report, own.network, fields.spot('network'), context.pools);
  return {
    ...own,
    type: type || 'lxc',
    config: config ?? '',
    group: group.name,
    statusGoal,
    restartPolicy: draft.restartPolicy ?? group.restartPolicy,
    volumes: [...own.volumes, ...resolveDisks(report, draft.storage, context.disks)],
    provides: context.exports.get(own.directory) ?? [],
  };
}

/** A missing required service lets no revision run (xconnect.md §2.3); it is not a mistake of form, so it only warns. */
function checkServices(report: Report, containers: readonly Container[], drafts: readonly ContainerDraft[]): void {
  const exported = new Map<string, string>();
  for (const { provides } of containers) {
    for (const service of provides) if (service.kind === 'socket') exported.set(service.name, service.type);
  }
  for (const container of containers) {
    const fields = drafts.find(({ own }) => own.name === container.name)?.fields;
    const spot = fields ? { ...fields.spot('services') } : { offset: 0, path: '' };
    for (const { name, type, required } of container.requires) {
      const offered = exported.get(name);
      if (offered === undefined) {
        if (required && name !== hostedBus)
          report.add(
            'service-required-missing',
            spot,
            `no container exports the service ${quote(name)} that ${quote(container.name)} requires`,
            'add its provider, or make the requirement optional',
          );
      } else if (type && type !== offered) {
        report.add(
          'service-type-differs',
          spot,
          `${quote(container.name)} requires ${quote(name)} as ${type}, but it is exported as ${offered}`,
        );
      }
    }
  }
}

/** Reports manifests of services that belong to no container. */
export function checkServiceOwners(
  report: Report,
  manifests: readonly { directory: string; place: Parameters<typeof spotOf>[0] }[],
  drafts: readonly ContainerDraft[],
): void {
  const directories = new Set(drafts.map(({ own }) => own.directory));
  for (const { directory, place } of manifests) {
    if (!directories.has(directory))
      report.add(
        'services-ownerless',
        spotOf(place),
        `${directory}/services.json belongs to no container; its services are ignored`,
      );
  }
}
