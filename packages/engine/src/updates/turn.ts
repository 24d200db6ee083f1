/** One step of the update machine in the making. */
import type { Event, Reason } from '../protocol.ts';
import { entriesOf, type Journal, type JournalStage } from './journal.ts';
import type { Act, Attempt, Task, UpdateModel } from './model.ts';
import type { Progress } from './progress.ts';
import type { UpdateEffect, UpdateStep } from './protocol.ts';

/** What the update tells the machine of containers; effects of timers are shared. */
export type Directive = Event extends infer E ? (E extends Event ? Omit<E, 'at'> : never) : never;
export type TimerEffect = { type: 'timer.arm'; timer: string; ms: number } | { type: 'timer.cancel'; timer: string };

export class UpdateTurn {
  readonly at: number;
  readonly effects: (UpdateEffect | TimerEffect)[] = [];
  readonly reasons: Reason[] = [];
  readonly directives: Directive[] = [];
  readonly #act: (turn: UpdateTurn, act: Act) => void;
  #model: UpdateModel;

  constructor(model: UpdateModel, at: number, act: (turn: UpdateTurn, act: Act) => void) {
    this.#model = model;
    this.at = at;
    this.#act = act;
  }

  get model(): UpdateModel {
    return this.#model;
  }

  get attempt(): Attempt | undefined {
    return this.#model.attempt;
  }

  put(patch: Partial<UpdateModel>): void {
    this.#model = { ...this.#model, ...patch };
  }

  putAttempt(patch: Partial<Attempt>): void {
    const { attempt } = this.#model;
    if (attempt !== undefined) this.put({ attempt: { ...attempt, ...patch } });
  }

  emit(effect: UpdateEffect): void {
    this.effects.push(effect);
  }

  note(reason: Reason): void {
    this.reasons.push(reason);
  }

  append(tasks: readonly Task[]): void {
    this.put({ queue: [...this.#model.queue, ...tasks] });
  }

  /** Forgets what was still to be done, except the step that is being carried out. */
  replace(tasks: readonly Task[]): void {
    const { queue, inFlight } = this.#model;
    this.put({ queue: [...(inFlight === undefined ? [] : queue.slice(0, 1)), ...tasks] });
  }

  /** Orders the next step, doing the acts before it. */
  pump(): void {
    while (this.#model.inFlight === undefined) {
      const [task, ...rest] = this.#model.queue;
      // Once the device is on its way down, the next start decides; nothing new is begun.
      if (task === undefined || this.#model.restart?.begun === true) return;
      if ('act' in task) {
        this.put({ queue: rest });
        this.#act(this, task.act);
        continue;
      }
      if (task.step.type === 'transition.plan' && !this.#model.comparable) return;
      const number = this.#model.nextNumber;
      this.put({ inFlight: number, nextNumber: number + 1 });
      this.#remember(task.step);
      this.effects.push({ ...task.step, step: number });
    }
  }

  #remember(step: UpdateStep): void {
    const { attempt } = this.#model;
    if (step.type === 'progress.write' && step.revision === attempt?.revision)
      this.putAttempt({ progress: step.progress });
    if (step.type === 'boot.install') this.putAttempt({ bootTouched: true });
    if (step.type === 'revision.switch') this.putAttempt({ switched: true });
  }

  /** Timers are numbered, so that one that fires while it is being replaced is told apart. */
  arm(purpose: string, ms: number): void {
    this.cancel(purpose);
    const timer = `update/${purpose}/${this.#model.nextNumber}`;
    this.put({ nextNumber: this.#model.nextNumber + 1, timers: { ...this.#model.timers, [purpose]: timer } });
    this.effects.push({ type: 'timer.arm', timer, ms: Math.min(ms, 2 ** 31 - 1) });
  }

  cancel(purpose: string): void {
    const timer = this.#model.timers[purpose];
    if (timer === undefined) return;
    this.forget(purpose);
    this.effects.push({ type: 'timer.cancel', timer });
  }

  forget(purpose: string): void {
    const { [purpose]: _fired, ...timers } = this.#model.timers;
    this.put({ timers });
  }

  isArmed(purpose: string): boolean {
    return this.#model.timers[purpose] !== undefined;
  }
}

/** A step whose failure ends the attempt. */
export function must(step: UpdateStep): Task {
  return { step, onFailure: 'fail' };
}

/** A step whose failure is only noted. */
export function may(step: UpdateStep): Task {
  return { step, onFailure: 'note' };
}

export function act(what: Act): Task {
  return { act: what };
}

/** The step that stores a progress; failures come with the tail of the log. */
export function progressStep(revision: string, progress: Progress, reasons: readonly Reason[] = []): UpdateStep {
  const logs = progress.status === 'ERROR' || progress.status === 'WONTGO';
  return { type: 'progress.write', revision, progress, logs, reasons: [...reasons] };
}

/** The journal of an attempt at this stage. */
export function journalOf(turn: UpdateTurn, attempt: Attempt, stage: JournalStage): Journal {
  const { environment, base } = turn.model;
  const bootId = environment?.bootId;
  const below = baseBelow(stage, base);
  return {
    revision: attempt.revision,
    kind: attempt.kind,
    stage,
    ...(attempt.mode === undefined ? {} : { mode: attempt.mode }),
    ...(bootId === undefined ? {} : { bootId }),
    retries: attempt.retries,
    ...(attempt.source === undefined ? {} : { source: attempt.source }),
    ...(below === undefined ? {} : { base: below }),
  };
}

/** An installation may come to nothing; a staged revision replaces a staged one; one that runs replaces everything. */
function baseBelow(stage: JournalStage, base: Journal | undefined): Journal | undefined {
  if (stage === 'installing') return base;
  return stage === 'staged' ? entriesOf(base).find((entry) => entry.stage === 'updated') : undefined;
}

/** The step that leaves the journal as it is while nothing is in hand. */
export function journalAtRest(base: Journal | undefined): UpdateStep {
  return base === undefined ? { type: 'journal.remove' } : { type: 'journal.write', journal: base };
}
