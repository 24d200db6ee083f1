/** The status machine of a container as a table, and the diagram drawn from it. */
import { type ContainerStatus, containerStatuses } from './protocol.ts';

/** What can move a container from one status to another. */
export const statusTriggers = {
  install: 'to be started',
  adopt: 'found running',
  block: 'an earlier group has not reached its goals',
  mounted: 'volumes mounted',
  launch: 'LXC asked to start',
  started: 'init runs',
  ready: 'signal ready',
  halt: 'to be stopped',
  gone: 'nothing runs any more',
  retry: 'to be tried again later',
} as const;
export type StatusTrigger = keyof typeof statusTriggers;

/**
 * Status by status, which trigger leads where (containers.md §1, §3 to §5). What is not listed does not happen: the engine
 * ignores such a trigger.
 */
export const statusTable: {
  readonly [From in ContainerStatus]: { readonly [Trigger in StatusTrigger]?: ContainerStatus };
} = {
  NONE: { install: 'INSTALLED', adopt: 'STARTED', gone: 'STOPPED' },
  INSTALLED: { block: 'BLOCKED', mounted: 'MOUNTED', halt: 'STOPPING', gone: 'STOPPED' },
  BLOCKED: { mounted: 'MOUNTED', halt: 'STOPPING', gone: 'STOPPED' },
  MOUNTED: { launch: 'STARTING', halt: 'STOPPING', gone: 'STOPPED' },
  STARTING: { started: 'STARTED', halt: 'STOPPING', gone: 'STOPPED' },
  STARTED: { ready: 'READY', halt: 'STOPPING', gone: 'STOPPED' },
  READY: { halt: 'STOPPING', gone: 'STOPPED' },
  RECOVERING: { install: 'INSTALLED', gone: 'STOPPED' },
  STOPPING: { gone: 'STOPPED' },
  STOPPED: { install: 'INSTALLED', retry: 'RECOVERING' },
};

/** Status after the trigger; undefined when the table has no such move. */
export function nextStatus(from: ContainerStatus, trigger: StatusTrigger): ContainerStatus | undefined {
  return statusTable[from][trigger];
}

/** Position of a status in the order that goals compare by (containers.md §1). */
export function statusRank(status: ContainerStatus): number {
  return containerStatuses.indexOf(status);
}

/** The table as the text of a Mermaid state diagram, for the documentation. */
export function statusDiagram(): string {
  const lines = ['stateDiagram-v2', '  [*] --> NONE'];
  for (const from of containerStatuses)
    for (const [trigger, to] of Object.entries(statusTable[from]))
      lines.push(`  ${from} --> ${to}: ${statusTriggers[trigger as StatusTrigger]}`);
  return `${lines.join('\n')}\n`;
}
