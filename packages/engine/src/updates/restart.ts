/** Reboots and power-offs, and what holds a reboot back: an open debug shell, an unsent report (updates.md §1, BLOCK_REBOOT). */
import type { Reason } from '../protocol.ts';
import type { RestartPurpose } from './model.ts';
import type { RestartBlocker } from './protocol.ts';
import type { UpdateTurn } from './turn.ts';

/** Restarts as soon as nothing holds it back; a power-off waits for nothing. A request while one is pending only makes it a power-off. */
export function requestRestart(turn: UpdateTurn, purpose: RestartPurpose, reason: Reason): void {
  const { restart } = turn.model;
  if (restart?.begun === true) {
    turn.note({
      code: 'already-restarting',
      message: `ignored a request to ${purpose}: the device is on its way down`,
    });
    return;
  }
  const wanted = restart?.purpose === 'poweroff' ? 'poweroff' : purpose;
  turn.put({ restart: { purpose: wanted, reason, begun: false } });
  turn.note(reason);
  tryRestart(turn);
}

function tryRestart(turn: UpdateTurn): void {
  const { restart, blockers } = turn.model;
  if (restart === undefined || restart.begun) return;
  if (restart.purpose === 'reboot' && blockers.length > 0) {
    turn.emit({ type: 'restart.held', by: [...blockers] });
    return;
  }
  turn.put({ restart: { ...restart, begun: true } });
  turn.directives.push({ type: 'device.stop', purpose: restart.purpose });
}

/** Holds reboots back, at most for `ms`; again means for another `ms` from now (DEFER_REBOOT). */
export function blockRestart(turn: UpdateTurn, by: RestartBlocker, ms: number | undefined): void {
  const { blockers } = turn.model;
  if (!blockers.includes(by)) turn.put({ blockers: [...blockers, by] });
  if (ms === undefined) turn.cancel(`block-${by}`);
  else turn.arm(`block-${by}`, ms);
  if (turn.model.restart?.begun === false && ms !== undefined)
    turn.emit({ type: 'restart.held', by: [...turn.model.blockers], until: { blocker: by, ms } });
}

/** Takes one hold away; a reboot that waited for it goes on. */
export function unblockRestart(turn: UpdateTurn, by: RestartBlocker): void {
  turn.cancel(`block-${by}`);
  turn.put({ blockers: turn.model.blockers.filter((blocker) => blocker !== by) });
  tryRestart(turn);
}
