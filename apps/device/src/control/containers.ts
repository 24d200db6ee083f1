/** `/containers`, `/groups`, `/signal` and `/buildinfo` (control.md §5). */
import type { ContainerDetailJson, ContainerJson, GroupJson, RefusalCode } from '@pantavisor/ctrl-api';
import type { BackoffPolicy } from '@pantavisor/state';
import type { ContainerAction, ContainerReport, GroupReport, Runtime } from '../runtime/facade.ts';
import { done, type Handler, jsonAnswer, jsonText, parseObject, RefusedError } from './call.ts';

const secondsPer = { h: 3600, min: 60, s: 1 } as const;
const flag = (value: boolean) => (value ? 'true' : 'false');

/** A backoff policy in the largest unit that is exact. */
export function formatBackoff(policy: BackoffPolicy): string {
  if (policy.kind !== 'after') return policy.kind;
  const unit =
    (['h', 'min'] as const).find((name) => policy.seconds % secondsPer[name] === 0 && policy.seconds > 0) ?? 's';
  return `${policy.seconds / secondsPer[unit]}${unit}`;
}

/** One element of `GET /containers`; the order of the members is the original's. */
export function containerJson(report: ContainerReport): ContainerJson {
  const { autoRecovery: rule } = report;
  return {
    name: report.name,
    group: report.group,
    status: report.status,
    status_goal: report.statusGoal,
    restart_policy: report.restartPolicy,
    roles: report.mgmt ? ['mgmt'] : [],
    ...(rule && rule.policy !== 'no'
      ? {
          auto_recovery: {
            policy: rule.policy,
            max_retries: rule.maxRetries,
            current_retries: rule.currentRetries,
            stable_timeout: rule.stableTimeout,
            is_stable: flag(rule.isStable),
            backoff_policy: formatBackoff(rule.backoffPolicy),
          },
        }
      : {}),
    ...(report.restartPolicy === 'container' ? { user_stopped: flag(report.userStopped) } : {}),
  };
}

/** One element of `GET /groups`. */
export function groupJson(report: GroupReport): GroupJson {
  const { autoRecovery: rule } = report;
  return {
    name: report.name,
    status_goal: report.statusGoal,
    restart_policy: report.restartPolicy,
    status: report.status,
    ...(rule && rule.policy !== 'no'
      ? {
          auto_recovery: {
            max_retries: rule.maxRetries,
            stable_timeout: rule.stableTimeout,
            backoff_policy: formatBackoff(rule.backoffPolicy),
          },
        }
      : {}),
  };
}

const actions: readonly ContainerAction[] = ['start', 'stop', 'restart'];

/** Handlers of the endpoints that show and control the running revision. */
export function containerHandlers(runtime: Runtime) {
  const loaded = () => {
    if (!runtime.loaded()) throw new RefusedError('state-not-loaded');
  };

  async function withDetail(report: ContainerReport): Promise<ContainerDetailJson> {
    return {
      ...containerJson(report),
      pid: report.pid ?? null,
      started_at: report.startedAt === undefined ? null : Math.floor(report.startedAt / 1000),
      memory: (await runtime.memoryOf(report.name)) ?? null,
    };
  }

  /** The last answer: what is asked for most is written anew only when something changed. */
  let list: { of: object; text: string } | undefined;

  const listContainers: Handler = async ({ query }) => {
    loaded();
    if (query.split('&').includes('detail=1'))
      return jsonAnswer(await Promise.all(runtime.containers().map(withDetail)));
    const of = runtime.unchanged();
    if (list?.of !== of) list = { of, text: JSON.stringify(runtime.containers().map(containerJson)) };
    return jsonText(list.text);
  };

  const controlContainer: Handler = async ({ parameters, text }) => {
    loaded();
    const name = parameters[0] ?? '';
    const report = runtime.containers().find((candidate) => candidate.name === name);
    if (!report) throw new RefusedError('container-unknown');
    if (report.restartPolicy !== 'container') throw new RefusedError('restart-policy-system');
    const body = parseObject(await text());
    if (!body) throw new RefusedError('invalid-json');
    if (body.action === undefined) throw new RefusedError('action-missing');
    const action = actions.find((known) => known === body.action);
    if (action === undefined) throw new RefusedError('action-unknown');
    const answer = await runtime.requestContainer(name, action);
    if (answer.ok) return done;
    const code: RefusalCode = answer.code;
    throw new RefusedError(code);
  };

  const listGroups: Handler = async () => {
    loaded();
    return jsonAnswer(runtime.groups().map(groupJson));
  };

  const signal: Handler = async ({ caller, text }) => {
    loaded();
    const body = parseObject(await text());
    if (typeof body?.type !== 'string') throw new RefusedError('signal-bad');
    if (body.type !== 'ready' || caller.kind !== 'container') throw new RefusedError('signal-not-expected');
    const answer = await runtime.signalReady(caller.name);
    if (!answer.ok) throw new RefusedError('signal-not-expected');
    return done;
  };

  const buildInfo: Handler = async () => {
    const { version, lines } = runtime.buildInfo();
    const body = [`PV_VERSION=${version}`, ...lines].map((line) => `${line}\n`).join('');
    return { status: 200, headers: { 'content-type': 'text/plain' }, body };
  };

  return { listContainers, controlContainer, listGroups, signal, buildInfo };
}
