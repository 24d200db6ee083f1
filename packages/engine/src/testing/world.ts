/**
 * A simulated machine under the engine: it takes effects, holds what they would have made, and answers when told to. It checks at every
 * effect what must never happen, independently of the engine's own model.
 */
import assert from 'node:assert/strict';
import { createModel, type Model } from '../model.ts';
import type { Answer, ContainerStatus, Effect, Event, ExitStatus, Reason } from '../protocol.ts';
import { step } from '../step.ts';

type EventBody = Event extends infer E ? (E extends Event ? Omit<E, 'at'> : never) : never;

/** What exists of one run of a container. */
interface SimulatedRun {
  name: string;
  run: number;
  state: 'mounting' | 'mounted' | 'starting' | 'running' | 'ended' | 'releasing' | 'released';
  halted: boolean;
  /** Ignores the halt signal. */
  stubborn: boolean;
}

export interface Pending {
  effect: Extract<Effect, { name: string; run: number }>;
}

export class World {
  model: Model = createModel();
  now = 0;
  readonly effects: Effect[] = [];
  readonly reasons: Reason[] = [];
  readonly answers = new Map<number, Answer>();
  readonly history: { at: number; name: string; from: ContainerStatus; to: ContainerStatus }[] = [];
  readonly timers = new Map<string, number>();
  readonly runs: SimulatedRun[] = [];
  readonly pending: Pending[] = [];
  failures: Reason[] = [];
  stopped: string | undefined;
  /** Every event that was sent, to play it again. */
  readonly sent: Event[] = [];
  #pids = 100;
  /** Called with each effect when the model that gave it is in place. */
  onEffect: ((effect: Effect) => void) | undefined;

  send(event: EventBody): Effect[] {
    const whole = { ...event, at: this.now } as Event;
    this.sent.push(whole);
    const { model, effects, reasons } = step(this.model, whole);
    this.model = model;
    this.reasons.push(...reasons);
    this.effects.push(...effects);
    for (const effect of effects) this.#take(effect);
    return effects;
  }

  status(name: string): ContainerStatus | undefined {
    return this.model.containers.get(name)?.status;
  }

  run(name: string, run: number): SimulatedRun {
    const found = this.runs.find((candidate) => candidate.name === name && candidate.run === run);
    assert.ok(found, `run ${run} of ${name} exists`);
    return found;
  }

  live(name: string): SimulatedRun | undefined {
    return this.runs.find((run) => run.name === name && run.state === 'running');
  }

  #take(effect: Effect): void {
    switch (effect.type) {
      case 'container.mount': {
        const others = this.runs.filter((run) => run.name === effect.name && run.state !== 'released');
        assert.ok(others.length === 0 || effect.staged === true, `${effect.name} is mounted over another run`);
        assert.ok(!this.runs.some((run) => run.name === effect.name && run.run >= effect.run), 'run numbers grow');
        this.runs.push({ name: effect.name, run: effect.run, state: 'mounting', halted: false, stubborn: false });
        this.pending.push({ effect });
        break;
      }
      case 'container.start': {
        const run = this.run(effect.name, effect.run);
        assert.equal(run.state, 'mounted', `${effect.name} is started on mounted volumes`);
        const others = this.runs.filter((other) => other !== run && other.name === effect.name);
        assert.ok(
          others.every(({ state }) => state === 'released'),
          `only one run of ${effect.name} at a time`,
        );
        run.state = 'starting';
        this.pending.push({ effect });
        break;
      }
      case 'container.halt':
      case 'container.kill': {
        const run = this.run(effect.name, effect.run);
        assert.ok(run.state === 'running' || (effect.type === 'container.kill' && run.state === 'starting'));
        run.halted = true;
        this.pending.push({ effect });
        break;
      }
      case 'container.release': {
        const run = this.run(effect.name, effect.run);
        assert.ok(run.state !== 'releasing' && run.state !== 'released', `${effect.name} is released once`);
        assert.ok(run.state !== 'mounting' && run.state !== 'starting', 'nothing is released before its answer came');
        run.state = 'releasing';
        this.pending.push({ effect });
        break;
      }
      case 'timer.arm':
        this.timers.set(effect.timer, this.now + effect.ms);
        break;
      case 'timer.cancel':
        assert.ok(this.timers.delete(effect.timer), `timer ${effect.timer} is armed when it is cancelled`);
        break;
      case 'answer':
        assert.ok(!this.answers.has(effect.id), 'a request has one answer');
        this.answers.set(effect.id, effect.answer);
        break;
      case 'status.changed':
        this.history.push({ at: this.now, name: effect.name, from: effect.from, to: effect.to });
        break;
      case 'revision.failed':
        this.failures.push(effect.reason);
        break;
      case 'device.stopped':
        assert.equal(this.stopped, undefined);
        this.stopped = effect.purpose;
        break;
      case 'revision.status':
        break;
    }
    this.onEffect?.(effect);
  }

  /** Answers one pending effect; `fail` lets a mount or start go wrong. False when it has no answer. */
  answer(index: number, fail = false): boolean {
    const [pending] = this.pending.splice(index, 1);
    if (pending === undefined) return false;
    const { effect } = pending;
    const { name, run: number } = effect;
    const run = this.run(name, number);
    const reason: Reason = { code: 'simulated', message: `cannot go on with ${name}`, container: name };
    switch (effect.type) {
      case 'container.mount':
        run.state = 'mounted';
        this.send(
          fail
            ? { type: 'container.mount-failed', name, run: number, reason }
            : { type: 'container.mounted', name, run: number },
        );
        return true;
      case 'container.start':
        if (run.state !== 'starting') return false;
        if (fail) {
          run.state = 'ended';
          this.send({ type: 'container.start-failed', name, run: number, reason });
        } else {
          run.state = 'running';
          this.send({ type: 'container.started', name, run: number, pid: ++this.#pids });
        }
        return true;
      case 'container.halt':
        if (run.stubborn || run.state !== 'running') return false;
        this.exit(name, { kind: 'code', code: 0 });
        return true;
      case 'container.kill':
        if (run.state !== 'running') return false;
        this.exit(name, { kind: 'signal', signal: 'SIGKILL' });
        return true;
      case 'container.release':
        run.state = 'released';
        this.send({ type: 'container.released', name, run: number });
        return true;
      default:
        return false;
    }
  }

  /** Lets the running init end. */
  exit(name: string, exit: ExitStatus = { kind: 'code', code: 1 }): void {
    const run = this.live(name);
    assert.ok(run, `${name} runs`);
    run.state = 'ended';
    this.send({ type: 'container.exited', name, run: run.run, exit });
  }

  /** Fires the timer that is due first and moves the clock to it; undefined when none is armed. */
  fireNext(): string | undefined {
    const [next] = [...this.timers].sort(([a, atA], [b, atB]) => atA - atB || (a < b ? -1 : 1));
    if (next === undefined) return undefined;
    const [timer, due] = next;
    this.timers.delete(timer);
    this.now = Math.max(this.now, due);
    this.send({ type: 'timer.fired', timer });
    return timer;
  }

  /** Answers everything until nothing is pending. */
  settle(): void {
    for (let count = 0; this.pending.length > 0; count++) {
      assert.ok(count < 10_000, 'the engine comes to rest');
      this.answer(0);
    }
  }

  /** Moves the clock by `ms`, firing what is due and answering everything. */
  pass(ms: number): void {
    const end = this.now + ms;
    this.settle();
    while ([...this.timers.values()].some((due) => due <= end)) {
      this.fireNext();
      this.settle();
    }
    this.now = end;
  }

  /** What is left on the machine. */
  left(): SimulatedRun[] {
    return this.runs.filter(({ state }) => state !== 'released');
  }
}
