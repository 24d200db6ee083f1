/** Containers and updates as one machine: each tells the other what it decided, within the same step. */
import { effectiveRecovery, pendingStability, trialGoal, trialGoalOf } from './goals.ts';
import { createModel, type Model } from './model.ts';
import type { Event, Reason, Step } from './protocol.ts';
import { step } from './step.ts';
import { createUpdateModel, isTrial, type UpdateModel } from './updates/model.ts';
import type { DeviceEffect, DeviceEvent, UpdateEvent } from './updates/protocol.ts';
import { type UpdateInput, updateStep } from './updates/step.ts';
import type { TrialState } from './updates/trial.ts';

export interface DeviceModel {
  readonly containers: Model;
  readonly updates: UpdateModel;
}

/** A device before its first event, which is update.boot. */
export function createDevice(): DeviceModel {
  return { containers: createModel(), updates: createUpdateModel() };
}

type Input = { to: 'containers'; event: Event } | { to: 'updates'; input: UpdateInput };

/** Takes one event for containers or updates and says what the device becomes and what is to be done, in this order. Never throws. */
export function stepDevice(model: DeviceModel, event: DeviceEvent): Step<DeviceModel, DeviceEffect> {
  const { at } = event;
  const effects: DeviceEffect[] = [];
  const reasons: Reason[] = [];
  let { containers, updates } = model;
  const inputs: Input[] = route(event);

  const toContainers = (next: Event) => {
    const result = step(containers, next);
    containers = result.model;
    effects.push(...result.effects);
    reasons.push(...result.reasons);
    if (containers.revision !== undefined && !updates.comparable)
      inputs.push({ to: 'updates', input: { type: 'containers.loaded' } });
    // The update believes that the containers follow it; if they cannot, it must not test the old ones.
    const refused = result.reasons.find(({ code }) => code === 'transition-out-of-place');
    if (refused !== undefined) inputs.push({ to: 'updates', input: { type: 'containers.failed', reason: refused } });
    for (const effect of result.effects)
      if (effect.type === 'revision.failed')
        inputs.push({ to: 'updates', input: { type: 'containers.failed', reason: effect.reason } });
  };
  const toUpdates = (input: UpdateInput) => {
    const turn = updateStep(updates, at, input);
    updates = turn.model;
    effects.push(...turn.effects);
    reasons.push(...turn.reasons);
    inputs.push(
      ...turn.directives.map((directive): Input => ({ to: 'containers', event: { ...directive, at } as Event })),
    );
  };

  while (inputs.length > 0) {
    for (let next = inputs.shift(); next !== undefined; next = inputs.shift())
      if (next.to === 'containers') toContainers(next.event);
      else toUpdates(next.input);
    if (isTrial(updates.attempt)) toUpdates({ type: 'trial.state', state: trialState(containers) });
  }
  return { model: { containers, updates }, effects, reasons };
}

function route(event: DeviceEvent): Input[] {
  if (isUpdateEvent(event)) return [{ to: 'updates', input: event }];
  if (event.type === 'timer.fired' && event.timer.startsWith('update/')) return [{ to: 'updates', input: event }];
  const forContainers: Input = { to: 'containers', event };
  return event.type === 'device.stop' ? [forContainers, { to: 'updates', input: event }] : [forContainers];
}

function isUpdateEvent(event: DeviceEvent): event is UpdateEvent {
  return /^(update|hub|restart|command)\./.test(event.type);
}

/** How the containers of the running revision stand, as a trial asks; undefined before they are known. */
export function trialState(model: Model): TrialState | undefined {
  if (model.revision === undefined) return undefined;
  const records = [...model.containers.values()];
  const longest = records.map((record) => {
    const group = model.groups.find(({ name }) => name === record.plan.group);
    return (group?.timeout ?? 0) + effectiveRecovery(model, record).stableTimeout;
  });
  return {
    goal: trialGoal(model),
    late: records.filter((record) => trialGoalOf(record) === 'TIMEDOUT').map(({ plan }) => plan.name),
    unstable: pendingStability(model),
    longestMs: Math.max(0, ...longest) * 1000,
  };
}
