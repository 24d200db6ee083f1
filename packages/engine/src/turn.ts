/** One step in the making: collects changes of the model, effects and reasons, and leaves the given model untouched. */
import type { ContainerRecord, Model, Run, TimerKind } from './model.ts';
import type { Effect, Reason, Step } from './protocol.ts';
import { nextStatus, type StatusTrigger } from './status.ts';

/** Longest time a timer can be armed for (the limit of 32-bit timers), about 24 days. */
const longestTimerMs = 2 ** 31 - 1;

export class Turn {
  readonly at: number;
  readonly #effects: Effect[] = [];
  readonly #reasons: Reason[] = [];
  #model: Model;

  constructor(model: Model, at: number) {
    this.#model = model;
    this.at = at;
  }

  get model(): Model {
    return this.#model;
  }

  finish(): Step<Model> {
    return { model: this.#model, effects: this.#effects, reasons: this.#reasons };
  }

  change(patch: Partial<Model>): void {
    this.#model = { ...this.#model, ...patch };
  }

  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  note(reason: Reason): void {
    this.#reasons.push(reason);
  }

  /** The record of a container that is known to exist. */
  record(name: string): ContainerRecord {
    const record = this.#model.containers.get(name);
    if (record === undefined) throw new Error(`cannot find container ${name} in the model`);
    return record;
  }

  put(name: string, patch: Partial<ContainerRecord>): void {
    const containers = new Map(this.#model.containers);
    containers.set(name, { ...this.record(name), ...patch });
    this.#model = { ...this.#model, containers };
  }

  remove(name: string): void {
    for (const kind of ['goal', 'stop', 'retry', 'stable'] as const) this.cancel(name, kind);
    const containers = new Map(this.#model.containers);
    const retired = new Map(this.#model.retired).set(name, this.record(name).lastRun);
    containers.delete(name);
    this.#model = { ...this.#model, containers, retired };
  }

  /** Changes the present run. */
  putRun(name: string, patch: Partial<Run>): void {
    const { run } = this.record(name);
    if (run !== undefined) this.put(name, { run: { ...run, ...patch } });
  }

  /** Moves the status by the table; a move that the table does not know is noted and changes nothing. */
  move(name: string, trigger: StatusTrigger, reason?: Reason): void {
    const { status: from } = this.record(name);
    const to = nextStatus(from, trigger);
    if (to === undefined) {
      this.note({
        code: 'status-move-unknown',
        message: `cannot move ${name} from ${from} by ${trigger}`,
        container: name,
      });
      return;
    }
    this.put(name, reason === undefined ? { status: to } : { status: to, lastReason: reason });
    this.emit({ type: 'status.changed', name, from, to, ...(reason === undefined ? {} : { reason }) });
  }

  /** Arms the timer of this kind for a run; its name is `<kind>/<container>/<run>`. */
  arm(name: string, kind: TimerKind, run: number, ms: number): void {
    this.put(name, { timers: { ...this.record(name).timers, [kind]: run } });
    this.emit({ type: 'timer.arm', timer: timerName(kind, name, run), ms: Math.min(ms, longestTimerMs) });
  }

  cancel(name: string, kind: TimerKind): void {
    const { timers } = this.record(name);
    const run = timers[kind];
    if (run === undefined) return;
    this.forget(name, kind);
    this.emit({ type: 'timer.cancel', timer: timerName(kind, name, run) });
  }

  /** Strikes a timer that has fired from the list. */
  forget(name: string, kind: TimerKind): void {
    const { [kind]: _fired, ...timers } = this.record(name).timers;
    this.put(name, { timers });
  }

  /** Says once that the revision cannot hold. */
  fail(reason: Reason): void {
    if (this.#model.failure !== undefined || this.#model.stopping !== undefined) {
      this.note(reason);
      return;
    }
    this.change({ failure: reason });
    this.emit({ type: 'revision.failed', reason });
  }
}

function timerName(kind: TimerKind, container: string, run: number): string {
  return `${kind}/${container}/${run}`;
}

/** The parts of a timer's name; undefined when it is not one of a container. Container names may hold slashes. */
export function parseTimer(timer: string): { kind: TimerKind; container: string; run: number } | undefined {
  const match = /^(goal|stop|retry|stable)\/(.+)\/(\d+)$/s.exec(timer);
  if (match === null) return undefined;
  return { kind: match[1] as TimerKind, container: match[2]!, run: Number(match[3]) };
}
