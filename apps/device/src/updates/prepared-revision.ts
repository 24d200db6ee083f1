/** A stored revision made ready to be compared, laid out, proven and run; and the one that runs now. */
import type { Reason } from '@pantavisor/engine';
import type { ParseContext, Problem, State } from '@pantavisor/state';
import { formatProblem, missingServices } from '@pantavisor/state';
import type { DeviceConfig } from '../config/table.ts';
import type { ContainerSource } from '../containers/launch.ts';
import type { Host } from '../host/ports.ts';
import { RevisionCheck } from '../revision/check.ts';
import { readState, StateFailure } from '../revision/load.ts';
import { Failure } from '../runtime/failure.ts';
import type { Log } from '../runtime/log.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { readStateText } from '../storage/revisions.ts';
import { StepError, updateReason } from './step-error.ts';
import { signatureFailureCode, verifyState } from './verify-state.ts';

export interface PreparedRevision {
  name: string;
  state: State;
  /** Remembers what it has hashed, so that proving a revision twice costs once. */
  check: RevisionCheck;
  /** Its containers by name. */
  sources: ReadonlyMap<string, ContainerSource>;
}

export interface RevisionRoom {
  host: Pick<Host, 'files' | 'signatures'>;
  layout: StorageLayout;
  config: DeviceConfig;
  context: ParseContext;
  log: Log;
}

/**
 * Reads, verifies and parses the state of a stored revision.
 * @throws StepError `state-not-found`, `state-bad-format` or one of signatures; its cause is a Failure with the file and a hint
 */
export async function prepareRevision(room: RevisionRoom, name: string): Promise<PreparedRevision> {
  const { host, layout, config, context, log } = room;
  const paths = layout.revision(name);
  const text = await readStateText(host.files, layout, name);
  if (text === undefined) {
    const hint = 'put it on the device first: pvcontrol steps put, or --state FILE --objects DIR for the first one';
    const message = `cannot run revision ${name}: its state ${paths.state} is missing`;
    const failure = new Failure('state-missing', message, { file: paths.state, hint });
    throw new StepError('state-not-found', [updateReason(failure, '')], failure);
  }
  const verdict = await verifyState(host, config, text);
  if (verdict.ok && config.PV_SECUREBOOT_MODE === 'audit')
    for (const { message } of verdict.reasons) log('WARN', 'signatures', `${name}: ${message}`);
  if (!verdict.ok) {
    const failure = new Failure('signature-refused', `cannot trust the state ${paths.state}: ${verdict.message}`, {
      file: paths.state,
      hint: 'sign the state with a key that the device trusts, or see PV_SECUREBOOT_MODE',
    });
    const reasons = verdict.reasons.map(({ code, message, key }) => ({
      code,
      message,
      ...(key === undefined ? {} : { file: key }),
    }));
    throw new StepError(signatureFailureCode(verdict), reasons, failure);
  }
  const state = parse(text, context, paths.state, (problem) => log('WARN', 'state', problem));
  const check = new RevisionCheck(host.files, layout, name, state, config.PV_SECUREBOOT_CHECKSUM);
  const trail = paths.directory;
  const sources = new Map<string, ContainerSource>(
    state.containers.map((container) => {
      const verify = () => check.verify(container.name);
      return [container.name, { container, revision: name, trail, verify }];
    }),
  );
  return { name, state, check, sources };
}

function parse(text: string, context: ParseContext, file: string, warn: (problem: string) => void): State {
  try {
    const { state, warnings } = readState(text, context, file);
    for (const warning of warnings) warn(formatProblem(warning));
    return state;
  } catch (error) {
    const reasons =
      error instanceof StateFailure ? error.problems.map(reasonOf) : [updateReason(error, `read ${file}`)];
    throw new StepError('state-bad-format', reasons, error);
  }
}

/** A problem of a state as a reason: the rule, and the key of the state that broke it. */
function reasonOf({ rule, message, path, hint }: Problem): Reason {
  const key = path.split('/')[1]?.replaceAll('~1', '/').replaceAll('~0', '~');
  return {
    code: rule,
    message: `cannot use the state: ${path || '/'}: ${message}`,
    ...(key === undefined ? {} : { file: key }),
    ...(hint === undefined ? {} : { detail: hint }),
  };
}

/**
 * Proves everything that a revision uses, board and containers.
 * @throws StepError `objects-invalid` with one reason an owner
 */
export async function proveRevision({ state, check }: PreparedRevision): Promise<void> {
  const owners = [undefined, ...state.containers.map(({ name }) => name)];
  const outcomes = await Promise.allSettled(owners.map((owner) => check.verify(owner)));
  const reasons = outcomes.flatMap((outcome, index) => {
    if (outcome.status === 'fulfilled') return [];
    const reason = updateReason(outcome.reason, 'check the files of the revision');
    const container = owners[index];
    return [container === undefined ? reason : { ...reason, container }];
  });
  if (reasons.length > 0) throw new StepError('objects-invalid', reasons);
}

/**
 * Refuses a revision in which a container requires a service that none exports (xconnect.md §2.3).
 * @throws StepError `service-missing` with one reason a service
 */
export function proveServices({ state }: Pick<PreparedRevision, 'state'>): void {
  const reasons = missingServices(state.containers).map(({ container, service }) => ({
    code: 'service-required-missing',
    message: `required service ${service} for ${container} not found: no container exports it`,
    file: `${container}/run.json`,
    container,
    detail: 'add its provider, or make the requirement optional',
  }));
  if (reasons.length > 0) throw new StepError('service-missing', reasons);
}

/** The revision that the device runs now, as rooms see it: it changes under them when an update takes its place. */
export class RunningRevision {
  #current: PreparedRevision | undefined;

  /** Undefined before the first one is loaded. */
  get current(): PreparedRevision | undefined {
    return this.#current;
  }

  become(revision: PreparedRevision): void {
    this.#current = revision;
  }

  /** A container as the revision to run next has it. */
  sourceOf(name: string): ContainerSource {
    const source = this.#current?.sources.get(name);
    if (source === undefined)
      throw new RangeError(`cannot find container ${name} in revision ${this.#current?.name ?? '(none)'}`);
    return source;
  }
}
