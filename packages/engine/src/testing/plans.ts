/** Short ways to write revisions in tests. */
import type { AutoRecovery, Group } from '@pantavisor/state';
import type { ContainerPlan, RevisionPlan } from '../protocol.ts';

export const noRecovery: AutoRecovery = {
  policy: 'no',
  maxRetries: 0,
  retryDelay: 0,
  backoffFactor: 0,
  resetWindow: 0,
  stableTimeout: 0,
  backoffPolicy: { kind: 'reboot' },
};

export function recovery(patch: Partial<AutoRecovery>): AutoRecovery {
  return { ...noRecovery, policy: 'always', ...patch };
}

export function group(name: string, patch: Partial<Group> = {}): Group {
  return { name, statusGoal: 'STARTED', restartPolicy: 'container', timeout: 30, ...patch };
}

export function container(name: string, patch: Partial<ContainerPlan> = {}): ContainerPlan {
  return {
    name,
    group: 'app',
    statusGoal: 'STARTED',
    restartPolicy: 'container',
    autoRecovery: noRecovery,
    ...patch,
  };
}

export function revision(
  containers: ContainerPlan[],
  groups: Group[] = [group('root'), group('app')],
  name = '1',
): RevisionPlan {
  return { revision: name, groups, containers };
}
