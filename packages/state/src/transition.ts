/** How a running state becomes another: at once, by restarting containers, or by a reboot (containers.md §6). */
import { diffStates, type KeyChange } from './diff.ts';
import type { Container, State } from './model.ts';

/** Why a key asks for what it asks for. */
export type TransitionRule =
  /** The format of the state changed. */
  | 'format-changed'
  /** The key belongs to no container, so the whole device may depend on it. */
  | 'device-file'
  /** The key belongs to a container with the restart policy `system`. */
  | 'system-container'
  /** The key belongs to a container with the restart policy `container`, which alone is restarted. */
  | 'container-file';

export interface TransitionReason {
  path: string;
  /** Owning container; absent when the device owns the key. */
  owner?: string;
  rule: TransitionRule;
  /** One sentence for people, e.g. `reboot because bsp/kernel.img changed and belongs to no container`. */
  message: string;
}

export interface Transition {
  /** `none`: nothing differs. With `reboot` the lists of containers only inform. */
  kind: 'none' | 'non-reboot' | 'reboot';
  /** Containers of both states with changes: stop, take over the new files, start. In the order of the running state. */
  restart: string[];
  /** Containers that are new, in the order of the new state. */
  start: string[];
  /** Containers that are gone: stop and remove. In the order of the running state. */
  remove: string[];
  /** One a key, in the order of the comparison; those of reboots first. */
  reasons: TransitionReason[];
}

const verbs: Record<KeyChange['change'], string> = {
  added: 'is new',
  changed: 'changed',
  removed: 'is gone',
  moved: 'changed its owner',
};

/**
 * Decides how to get from the running state to the next one. A key without owner asks for a reboot, as does one of a
 * container with the restart policy `system` in the state that knows the key: for changed and removed keys the running
 * one, for changed and new keys the next one. All other keys restart their container alone.
 *
 * The original ends at the first reboot, with containers already stopped on the way there; here nothing is touched before
 * the decision is complete, and all reasons are given.
 */
export function planTransition(running: State, next: State): Transition {
  const diff = diffStates(running, next);
  const policies = { before: policiesOf(running.containers), after: policiesOf(next.containers) };
  const reasons = diff.keys.map((change) => judge(change, policies));
  if (running.spec !== next.spec) {
    const message = `reboot because the format of the state changed from ${running.spec} to ${next.spec}`;
    reasons.unshift({ path: '#spec', rule: 'format-changed', message });
  }
  const reboots = reasons.filter(({ rule }) => rule !== 'container-file');
  const changeOf = new Map(diff.containers.map(({ name, change }) => [name, change]));
  const names = (state: State, wanted: string): string[] =>
    state.containers.map(({ name }) => name).filter((name) => changeOf.get(name) === wanted);
  const some = reasons.length > 0 || diff.containers.length > 0;
  return {
    kind: reboots.length > 0 ? 'reboot' : some ? 'non-reboot' : 'none',
    restart: names(running, 'changed'),
    start: names(next, 'added'),
    remove: names(running, 'removed'),
    reasons: [...reboots, ...reasons.filter(({ rule }) => rule === 'container-file')],
  };
}

type Policies = ReadonlyMap<string, Container['restartPolicy']>;

function policiesOf(containers: readonly Container[]): Policies {
  return new Map(containers.map(({ name, restartPolicy }) => [name, restartPolicy]));
}

function judge(change: KeyChange, policies: { before: Policies; after: Policies }): TransitionReason {
  const { path, ownerBefore, ownerAfter } = change;
  const sides = [
    ...(change.change === 'added' ? [] : [{ owner: ownerBefore, policies: policies.before }]),
    ...(change.change === 'removed' ? [] : [{ owner: ownerAfter, policies: policies.after }]),
  ];
  const what = `${path} ${verbs[change.change]}`;
  if (sides.some(({ owner }) => owner === undefined)) {
    return { path, rule: 'device-file', message: `reboot because ${what} and belongs to no container` };
  }
  const system = sides.find(({ owner, policies: own }) => own.get(owner ?? '') === 'system')?.owner;
  if (system !== undefined) {
    const message = `reboot because ${what} and the restart policy of the container ${system} is system`;
    return { path, owner: system, rule: 'system-container', message };
  }
  const owner = ownerAfter ?? ownerBefore ?? '';
  return { path, owner, rule: 'container-file', message: `the container ${owner} is affected because ${what}` };
}
