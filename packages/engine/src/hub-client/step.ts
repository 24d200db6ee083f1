/** The reducer of the Hub client: the table of states, run by answers and timers. */
import type { Reason, Step } from '../protocol.ts';
import type { HubClientModel } from './model.ts';
import { enqueue } from './outbox.ts';
import type { HubEffect, HubEvent, HubOutcome, HubUpdatePhase } from './protocol.ts';
import { type HubState, hubStateTable } from './states.ts';
import { waitingLimits, waitMs } from './waiting.ts';

type Purpose = 'ask' | 'report' | 'listen';

/** Takes one event and says what the client becomes and what is to be done, in this order. Never throws. */
export function stepHubClient(model: HubClientModel, event: HubEvent): Step<HubClientModel, HubEffect> {
  const turn = new HubTurn(model, event);
  turn.take();
  turn.settle();
  return { model: turn.model, effects: turn.effects, reasons: turn.reasons };
}

/** Where a logged-in client is, by the update in hand. */
const restOf: Readonly<Record<HubUpdatePhase, HubState>> = {
  none: 'idle',
  metadata: 'prep-download',
  objects: 'download',
  installed: 'report',
};

class HubTurn {
  model: HubClientModel;
  readonly effects: HubEffect[] = [];
  readonly reasons: Reason[] = [];
  readonly #event: HubEvent;

  constructor(model: HubClientModel, event: HubEvent) {
    this.model = model;
    this.#event = event;
  }

  take(): void {
    const event = this.#event;
    switch (event.type) {
      case 'start': {
        const { settings, registered, claimed, remote } = event;
        this.#put({ settings, registered, claimed, remote });
        this.#enter(this.#entry());
        break;
      }
      case 'settings':
        this.#put({ settings: event.settings });
        break;
      case 'remote':
        if (event.on === this.model.remote) break;
        this.#put({ remote: event.on });
        this.#enter(this.#entry());
        break;
      case 'unclaimed':
        this.#put({ registered: false, claimed: false, outbox: [], reporting: undefined });
        this.#enter(this.#entry());
        break;
      case 'answered':
        this.#answered(event.id, event.outcome);
        break;
      case 'reported':
        this.#reported(event.id, event.outcome);
        break;
      case 'timer':
        this.#fired(event.timer);
        break;
      case 'progress':
        this.#progress(event.report);
        break;
      case 'update':
        this.#put({ phase: event.phase });
        if (hubStateTable[this.model.state].reports) this.#enter(restOf[event.phase]);
        break;
      case 'nudge':
        this.#nudge();
        break;
      case 'listening':
        this.#listening(event.id);
        break;
      case 'listen-ended':
        this.#listenEnded(event.id, event.outcome);
    }
  }

  /** What follows from the new model, whatever made it. */
  settle(): void {
    const { state, reporting, outbox, unanswered, settings } = this.model;
    const row = hubStateTable[state];
    const [head] = outbox;
    if (row.reports && reporting === undefined && head !== undefined && !this.#isArmed('report')) {
      const id = this.#number();
      this.#put({ reporting: id });
      this.effects.push({ type: 'report', id, report: head });
    }
    this.#settleStream(row.reports);
    const mode = row.mode === 'online' && unanswered > Math.max(0, settings.tolerated) ? 'offline' : row.mode;
    if (mode !== this.model.toldMode) {
      this.#put({ toldMode: mode });
      this.effects.push({ type: 'mode', mode });
    }
    const waiting = mode === 'online' && outbox.length > 0;
    if (waiting !== this.model.toldPending) {
      this.#put({ toldPending: waiting });
      this.effects.push({ type: 'pending', waiting });
    }
  }

  #put(patch: Partial<HubClientModel>): void {
    this.model = { ...this.model, ...patch };
  }

  #number(): number {
    const { nextNumber } = this.model;
    this.#put({ nextNumber: nextNumber + 1 });
    return nextNumber;
  }

  /** Where a client begins, by what it knows. `init` is passed through: nothing has to be waited for in it. */
  #entry(): HubState {
    const { remote, registered, claimed } = this.model;
    if (!remote) return 'off';
    if (claimed) return 'login';
    return registered ? 'claim' : 'register';
  }

  /** @param patient the way leads back after a failure: the next question waits, so that two states never chase each other */
  #enter(state: HubState, patient = false): void {
    const before = this.model.state;
    if (state === before) return;
    this.#cancel('ask');
    const off = state === 'off' ? { unanswered: 0 } : {};
    this.#put({ state, failures: 0, again: false, ...off });
    this.reasons.push({ code: 'hub-state', message: `the Hub client goes from ${before} to ${state}` });
    const { asks } = hubStateTable[state];
    if (asks === undefined || this.model.asking?.request === asks) return;
    // On the way in everything is asked at once.
    if (state === 'report' || patient) this.#waitToAsk();
    else this.#ask();
  }

  #ask(): void {
    const { state } = this.model;
    const { asks } = hubStateTable[state];
    if (asks === undefined) return;
    const id = this.#number();
    this.#put({ asking: { id, request: asks, state }, again: false });
    this.effects.push({ type: 'ask', id, request: asks });
  }

  #waitToAsk(hintMs?: number): void {
    const { state, settings, failures, stream } = this.model;
    const { every: interval, mostFailures = failures } = hubStateTable[state];
    const regular = interval(settings);
    const every = state === 'idle' && stream?.open === true ? Math.max(regular, waitingLimits.listeningMs) : regular;
    this.#arm('ask', waitMs(every, Math.min(failures, mostFailures), this.#event.random, hintMs));
  }

  #answered(id: number, outcome: HubOutcome): void {
    const { asking, state } = this.model;
    // An answer to a question of an earlier state says nothing about this one.
    if (asking?.id !== id) return;
    this.#put({ asking: undefined });
    this.#hear(outcome);
    if (asking.request !== hubStateTable[state].asks) return;
    const failed = isFailure(outcome);
    if (failed) this.reasons.push(outcome.reason);
    const next = this.#learn(outcome);
    if (next !== undefined && next !== state) {
      this.#enter(next, failed);
      return;
    }
    const again = this.model.again && !failed;
    this.#put({ failures: failed ? this.model.failures + 1 : 0 });
    if (again) this.#ask();
    else this.#waitToAsk(outcome.kind === 'busy' ? outcome.retryAfterMs : undefined);
  }

  /** What an answer means for the device; the state that follows, if one does. */
  #learn(outcome: HubOutcome): HubState | undefined {
    const { state, phase } = this.model;
    const next = hubStateTable[state].to[outcome.kind];
    if (state === 'register' && outcome.kind === 'ok') this.#put({ registered: true });
    if (state === 'claim' && outcome.kind === 'yes') {
      this.#put({ claimed: true });
      this.effects.push({ type: 'claimed' });
    }
    if (state === 'claim' && outcome.kind === 'credentials-refused') {
      // Only then: a Hub that is down must not make a device register again and again.
      this.#put({ registered: false });
      this.effects.push({ type: 'forget' });
    }
    if (state === 'idle' && outcome.kind === 'step') this.effects.push({ type: 'offer', step: outcome.step });
    return next === 'rest' ? restOf[phase] : next;
  }

  #reported(id: number, outcome: HubOutcome): void {
    if (this.model.reporting !== id) return;
    this.#put({ reporting: undefined });
    this.#hear(outcome);
    const [head, ...rest] = this.model.outbox;
    if (outcome.kind === 'unreachable' || outcome.kind === 'busy') {
      const failures = this.model.reportFailures + 1;
      this.#put({ reportFailures: failures });
      const hint = outcome.kind === 'busy' ? outcome.retryAfterMs : undefined;
      this.#arm('report', waitMs(this.model.settings.pollMs / 2, failures, this.#event.random, hint));
      return;
    }
    this.#put({ reportFailures: 0 });
    if (outcome.kind === 'credentials-refused') {
      if (this.model.state !== 'off') this.#enter('login', true);
      return;
    }
    // What the Hub will never take must not keep back what comes after it.
    if (outcome.kind === 'refused')
      this.reasons.push({
        ...outcome.reason,
        message: `dropped a report of ${head?.revision}: ${outcome.reason.message}`,
      });
    this.#put({ outbox: rest });
  }

  /** Whether the Hub is there at all. Every answer says so, whatever its status. */
  #hear(outcome: HubOutcome): void {
    const { unanswered } = this.model;
    if (outcome.kind === 'unreachable') {
      this.#put({ unanswered: unanswered + 1 });
      return;
    }
    this.#put({ unanswered: 0 });
    if (unanswered === 0) return;
    // What waits because nobody answered has waited long enough.
    for (const purpose of ['report', 'listen'] as const) this.#cancel(purpose);
  }

  #progress(report: { revision: string; status: string; body: string }): void {
    const { outbox, reporting, claimed } = this.model;
    // Without an owner there is no trail that it could belong to, and other revisions are the device's own.
    if (!claimed || !/^\d+$/.test(report.revision)) return;
    const [head, ...rest] = outbox;
    const next =
      reporting === undefined || head === undefined ? enqueue(outbox, report) : [head, ...enqueue(rest, report)];
    this.#put({ outbox: next });
  }

  #nudge(): void {
    const { state, asking } = this.model;
    if (state !== 'idle') return;
    if (asking !== undefined) this.#put({ again: true });
    else {
      this.#cancel('ask');
      this.#ask();
    }
  }

  /** The Hub is listened to wherever progress may be sent, and nowhere else. */
  #settleStream(wanted: boolean): void {
    const { stream } = this.model;
    if (!wanted) {
      this.#cancel('listen');
      this.#put({ stream: undefined, streamFailures: 0 });
      if (stream !== undefined) this.effects.push({ type: 'unlisten' });
    } else if (stream === undefined && !this.#isArmed('listen')) {
      const id = this.#number();
      this.#put({ stream: { id, open: false } });
      this.effects.push({ type: 'listen', id });
    }
  }

  #listening(id: number): void {
    if (this.model.stream?.id !== id) return;
    this.#put({ stream: { id, open: true }, streamFailures: 0 });
    this.#hear({ kind: 'ok' });
    this.reasons.push({ code: 'hub-listening', message: 'the Hub tells what is new from now on' });
    // Of what came before nobody has told.
    this.#nudge();
  }

  #listenEnded(id: number, outcome: HubOutcome): void {
    const { stream, settings, streamFailures } = this.model;
    if (stream?.id !== id) return;
    const { random } = this.#event;
    const failures = streamFailures + 1;
    this.#put({ stream: undefined, streamFailures: failures });
    if (outcome.kind === 'refused') this.#arm('listen', waitMs(waitingLimits.unknownMs, 0, random));
    else
      this.#arm(
        'listen',
        waitMs(settings.pollMs, failures, random, outcome.kind === 'busy' ? outcome.retryAfterMs : undefined),
      );
    if (!stream.open) return;
    this.reasons.push({ code: 'hub-not-listening', message: 'the Hub no longer tells what is new' });
    // Back to asking as often as before.
    if (this.#isArmed('ask')) this.#waitToAsk();
  }

  #fired(timer: string): void {
    const purpose = (Object.keys(this.model.timers) as Purpose[]).find((one) => this.model.timers[one] === timer);
    if (purpose === undefined) return;
    this.#forget(purpose);
    // A report or a stream that waited goes out as the model settles.
    if (purpose === 'ask' && this.model.asking === undefined) this.#ask();
  }

  #arm(purpose: Purpose, ms: number): void {
    this.#cancel(purpose);
    const timer = `${purpose}/${this.#number()}`;
    this.#put({ timers: { ...this.model.timers, [purpose]: timer } });
    this.effects.push({ type: 'arm', timer, ms });
  }

  #cancel(purpose: Purpose): void {
    const timer = this.model.timers[purpose];
    if (timer === undefined) return;
    this.#forget(purpose);
    this.effects.push({ type: 'cancel', timer });
  }

  #forget(purpose: Purpose): void {
    const { [purpose]: _gone, ...timers } = this.model.timers;
    this.#put({ timers });
  }

  #isArmed(purpose: Purpose): boolean {
    return this.model.timers[purpose] !== undefined;
  }
}

type FailedOutcome = Extract<HubOutcome, { reason: Reason }>;

function isFailure(outcome: HubOutcome): outcome is FailedOutcome {
  return 'reason' in outcome;
}
