/** The reducer of containers, groups and recovery. */
import { statusOf } from './goals.ts';
import { stopTimedOut } from './halting.ts';
import { containerEvent, timerFired } from './lifecycle.ts';
import type { Model } from './model.ts';
import type { Event, Step } from './protocol.ts';
import { containerRequest } from './requests.ts';
import { continueStop, runRevision, startEligible, transition } from './revision.ts';
import { Turn } from './turn.ts';

/**
 * Takes one event and says what the model becomes and what is to be done, in this order. Never throws on an event that comes late, twice or
 * out of place: it is ignored, with a reason. The given model is not changed.
 */
export function step(model: Model, event: Event): Step<Model> {
  const turn = new Turn(model, event.at);
  if (model.stopped) {
    turn.note({ code: 'device-is-stopped', message: `ignored ${event.type}: the device is stopped` });
    if (event.type === 'request.container')
      turn.emit({ type: 'answer', id: event.id, answer: { ok: false, code: 'state-not-loaded' } });
    return turn.finish();
  }
  dispatch(turn, event);
  if (turn.model.stopping === undefined) startEligible(turn);
  else continueStop(turn);
  tellRevisionStatus(turn);
  return turn.finish();
}

function dispatch(turn: Turn, event: Event): void {
  switch (event.type) {
    case 'revision.run':
      runRevision(turn, event);
      return;
    case 'revision.transition':
      transition(turn, event);
      return;
    case 'revision.trial':
      turn.change({ trial: event.active });
      return;
    case 'request.container':
      containerRequest(turn, event);
      return;
    case 'device.stop':
      if (turn.model.stopping === undefined) turn.change({ stopping: event.purpose });
      else
        turn.note({ code: 'already-stopping', message: `ignored a stop for ${event.purpose}: the device is stopping` });
      return;
    case 'timer.fired':
      if (!timerFired(turn, event.timer, stopTimedOut))
        turn.note({ code: 'answer-ignored', message: `ignored timer ${event.timer}, which belongs to nobody here` });
      return;
    default:
      containerEvent(turn, event);
      return;
  }
}

function tellRevisionStatus(turn: Turn): void {
  if (turn.model.revision === undefined || turn.model.stopping !== undefined) return;
  const status = statusOf(turn.model.containers.values());
  if (status === turn.model.revisionStatus) return;
  turn.change({ revisionStatus: status });
  turn.emit({ type: 'revision.status', status });
}
