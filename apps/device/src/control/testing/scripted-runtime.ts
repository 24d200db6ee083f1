/** A runtime without a device behind it: containers that change status at once, for tests of what the control socket says. */
import type { Answer, ContainerStatus } from '@pantavisor/engine';
import type { Peer } from '../../host/ports.ts';
import type {
  BuildInfo,
  Caller,
  ContainerAction,
  ContainerReport,
  GroupReport,
  Runtime,
  SignalAnswer,
} from '../../runtime/facade.ts';

const rule = {
  policy: 'on-failure',
  maxRetries: 5,
  retryDelay: 1,
  backoffFactor: 1,
  resetWindow: 0,
  stableTimeout: 30,
  backoffPolicy: { kind: 'after', seconds: 5400 },
} as const;

/** Three containers: `board` of the system, `app` that people may control, `waiter` without rights that has to signal. */
function initialContainers(): ContainerReport[] {
  return [
    {
      name: 'board',
      group: 'root',
      status: 'STARTED',
      statusGoal: 'STARTED',
      restartPolicy: 'system',
      mgmt: true,
      userStopped: false,
      pid: 100,
      startedAt: 1_767_225_600_500,
    },
    {
      name: 'app',
      group: 'app',
      status: 'STARTED',
      statusGoal: 'STARTED',
      restartPolicy: 'container',
      mgmt: true,
      autoRecovery: { ...rule, currentRetries: 1, isStable: true },
      userStopped: false,
      pid: 101,
      startedAt: 1_767_225_600_500,
    },
    {
      name: 'waiter',
      group: 'app',
      status: 'STARTED',
      statusGoal: 'READY',
      restartPolicy: 'container',
      mgmt: false,
      userStopped: false,
    },
  ];
}

/** A runtime whose answers follow the tables of containers.md §5, without any time passing. */
export class ScriptedRuntime implements Runtime {
  /** Who every peer is taken for. */
  caller: Caller = { kind: 'engine' };
  isLoaded = true;
  readonly reports = initialContainers();

  loaded(): boolean {
    return this.isLoaded;
  }

  revision(): string | undefined {
    return this.isLoaded ? '0' : undefined;
  }

  containers(): ContainerReport[] {
    return structuredClone(this.reports);
  }

  /** The tests change the reports as they like. */
  unchanged(): object {
    return {};
  }

  groups(): GroupReport[] {
    const group = { statusGoal: 'STARTED', status: 'STARTED' } as const;
    return [
      { name: 'root', restartPolicy: 'system', ...group },
      { name: 'app', restartPolicy: 'container', ...group, autoRecovery: { ...rule } },
    ];
  }

  status(): ContainerStatus {
    return this.isLoaded ? 'STARTED' : 'NONE';
  }

  async requestContainer(name: string, action: ContainerAction): Promise<Answer> {
    const report = this.reports.find((candidate) => candidate.name === name);
    if (!report) return { ok: false, code: 'container-unknown' };
    if (action === 'stop') {
      report.status = 'STOPPED';
      report.userStopped = true;
    } else if (report.status === 'BLOCKED') {
      return { ok: false, code: action === 'start' ? 'not-startable' : 'not-restartable' };
    } else {
      report.status = 'STARTED';
      report.userStopped = false;
    }
    return { ok: true };
  }

  async signalReady(name: string): Promise<SignalAnswer> {
    const report = this.reports.find((candidate) => candidate.name === name);
    if (report?.statusGoal !== 'READY') return { ok: false, code: 'not-expected' };
    report.status = 'READY';
    return { ok: true };
  }

  async callerOf(_peer: Peer): Promise<Caller> {
    return this.caller;
  }

  async memoryOf(name: string): Promise<number | undefined> {
    return name === 'app' ? 1_048_576 : undefined;
  }

  buildInfo(): BuildInfo {
    return { version: '1.2.3', lines: ['PV_BUILT_FOR=tests'] };
  }
}
