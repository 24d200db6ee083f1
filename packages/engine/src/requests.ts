/** What a person or program may ask of a container in which status (containers.md §5.1, control.md: PUT /containers). */
import { beginHalt } from './halting.ts';
import type { Answer, ContainerStatus, RequestEvent } from './protocol.ts';
import type { Turn } from './turn.ts';

/** `stop`: end it and keep it stopped. `start`: end what is there, then start afresh. */
type Verdict = 'nothing' | 'stop' | 'start' | 'not-startable' | 'not-restartable';

/**
 * The admission table. Unlike in the original, stopping a RECOVERING container really keeps it stopped, and a container that has not
 * come to run yet is stopped as well.
 */
export const requestTable: {
  readonly [Action in RequestEvent['action']]: { readonly [S in ContainerStatus]: Verdict };
} = {
  stop: {
    NONE: 'stop',
    INSTALLED: 'stop',
    MOUNTED: 'stop',
    BLOCKED: 'stop',
    STARTING: 'stop',
    STARTED: 'stop',
    READY: 'stop',
    RECOVERING: 'stop',
    STOPPING: 'stop',
    STOPPED: 'stop',
  },
  start: {
    NONE: 'not-startable',
    INSTALLED: 'not-startable',
    MOUNTED: 'not-startable',
    BLOCKED: 'not-startable',
    STARTING: 'nothing',
    STARTED: 'nothing',
    READY: 'nothing',
    RECOVERING: 'start',
    STOPPING: 'start',
    STOPPED: 'start',
  },
  restart: {
    NONE: 'not-restartable',
    INSTALLED: 'not-restartable',
    MOUNTED: 'not-restartable',
    BLOCKED: 'not-restartable',
    STARTING: 'start',
    STARTED: 'start',
    READY: 'start',
    RECOVERING: 'start',
    STOPPING: 'start',
    STOPPED: 'start',
  },
};

/** Answers the request and begins what it asks for; the answer means "accepted", not "done". */
export function containerRequest(turn: Turn, { id, name, action }: RequestEvent): void {
  turn.emit({ type: 'answer', id, answer: admit(turn, name, action) });
}

function admit(turn: Turn, name: string, action: RequestEvent['action']): Answer {
  if (turn.model.revision === undefined) return { ok: false, code: 'state-not-loaded' };
  const record = turn.model.containers.get(name);
  if (record === undefined) return { ok: false, code: 'container-unknown' };
  if (record.plan.restartPolicy !== 'container') return { ok: false, code: 'restart-policy-system' };
  const verdict = requestTable[action][record.status];
  if (verdict === 'not-startable' || verdict === 'not-restartable') return { ok: false, code: verdict };
  if (verdict === 'nothing') return { ok: true };
  if (turn.model.stopping !== undefined)
    return action === 'stop'
      ? { ok: true }
      : { ok: false, code: action === 'start' ? 'not-startable' : 'not-restartable' };
  beginHalt(turn, name, verdict === 'stop' ? 'stay' : 'start');
  return { ok: true };
}
